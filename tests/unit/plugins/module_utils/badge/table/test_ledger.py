"""The ledger: what it keeps, what it survives, and what it refuses."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.table.ledger import Ledger, digest, look
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.table.record import (
    COLUMNS,
    LedgerError,
    Record,
    Result,
    history,
    parse,
)

A, B = "60:55:f9:00:00:01", "60:55:f9:00:00:02"


def record(mac: str, result: Result, row: str = "zoe", detail: str = "") -> Record:
    return Record("2026-08-06T12:00:00+0000", mac, "1", "nixbadge 1", "lights 2", row, result, detail)


def test_what_was_written_is_there_again(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.csv") as ledger:
        ledger.append(record(A, Result.ASSIGNED))
        ledger.append(record(A, Result.PASSED, detail='two, "words"\nand a line break'))
    with Ledger(tmp_path / "l.csv") as ledger:
        assert ledger.history.is_done(A, "nixbadge 1", "lights 2")
        assert not ledger.history.is_done(A, "nixbadge 2", "lights 2")
        assert not ledger.history.is_done(B, "nixbadge 1", "lights 2")
        assert (ledger.history.rows, ledger.torn) == ({A: "zoe"}, 0)
    assert (tmp_path / "l.csv").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "l.csv.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("torn", [b"2026-08-06T12:00:00+0000,60:55", b"\0" * 100, b"\xc3"])
def test_a_torn_last_line_is_removed_and_all_others_stay(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "l.csv"
    with Ledger(path) as ledger:
        ledger.append(record(A, Result.PASSED))
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    assert look(path)[0].rows == {A: "zoe"}
    with Ledger(path) as ledger:
        assert ledger.torn
        ledger.append(record(B, Result.FAILED, row="ada"))
        assert ledger.history.rows == {A: "zoe"}
    assert path.read_bytes().startswith(whole)
    assert look(path)[0].rows == {A: "zoe", B: "ada"}


def test_a_header_torn_at_the_very_first_write_is_written_again(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("time,ma")
    with Ledger(tmp_path / "l.csv") as ledger:
        assert ledger.history.rows == {}
    assert (tmp_path / "l.csv").read_text().startswith("time,mac,slot,")


def test_a_second_run_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    with Ledger(path), pytest.raises(LedgerError, match="another run has it open"):
        Ledger(path)
    Ledger(path).close()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n", "line 1: it is not time,mac"),
        ("{head}\nspoilt\n", "line 2: it is no record; mend or delete"),
        ("{head}\nt,nomac,1,f,s,r,passed,d\n", "line 2"),
        (f"{{head}}\nt,{A},1,f,s,r,perhaps,d\n", "line 2"),
    ],
)
def test_a_line_that_is_none_of_ours_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "l.csv"
    path.write_text(text.format(head="time,mac,slot,firmware,settings,row,result,detail"))
    with pytest.raises(LedgerError, match=words):
        Ledger(path)


@pytest.mark.parametrize("text", ["router_passphrase: correct horse", "a,b\nrouter_passphrase,correct horse"])
def test_another_file_is_refused_and_left_as_it_is(tmp_path: Path, text: str) -> None:
    """Its last line has no end, which is no reason to take it for a torn one of ours."""
    path = tmp_path / "vars.yml"
    path.write_text(text)
    with pytest.raises(LedgerError) as error:
        Ledger(path)
    assert "horse" not in str(error.value)
    assert path.read_text() == text


@pytest.mark.parametrize(
    "name",
    [
        "=HYPERLINK(1)",
        "+1",
        "-1",
        "@SUM(A1)",
        "\uff1d1",
        "'=1",
        "''=1",
        "'t Hooft",
        "Zoë",
        "a;=1",
        'a; "=1"',
        'a,"=1"',
        "a=1",
    ],
)
def test_a_name_begins_no_formula_and_is_known_again(tmp_path: Path, name: str) -> None:
    path = tmp_path / "l.csv"
    with Ledger(path) as ledger:
        ledger.append(record(A, Result.PASSED, row=name))
    assert look(path)[0].rows == {A: name}
    (_head, written) = csv.reader(path.read_text(encoding="utf-8").splitlines())
    formulas = [cell for cell in re.split("[;,]", ",".join(written)) if cell.strip(' "')[:1] in {*"=+-@\uff1d"}]
    assert not formulas
    assert (name == written[5]) is (name in {"'t Hooft", "Zoë", "a=1"})


def test_a_ledger_from_before_names_were_escaped_is_known() -> None:
    text = f"{','.join(COLUMNS)}\nt,{A},1,f,s,=1,passed,d\nt,{B},1,f,s,'t Hooft,passed,d\n"
    assert history(parse(text, "l.csv")).rows == {A: "=1", B: "'t Hooft"}


def test_looking_changes_nothing(tmp_path: Path) -> None:
    assert look(tmp_path / "l.csv")[0].rows == {}
    assert list(tmp_path.iterdir()) == []


def test_rejected_and_released_badges_give_their_settings_back() -> None:
    assert history([record(A, Result.ASSIGNED), record(A, Result.FAILED)]).rows == {A: "zoe"}
    assert history([record(A, Result.ASSIGNED), record(A, Result.REJECTED)]).rows == {}
    assert history([record(A, Result.PASSED), record(A, Result.RELEASED)]).rows == {}


def test_a_digest_needs_the_key() -> None:
    assert digest(b"k", b"settings") == digest(b"k", b"settings")
    assert len({digest(b"k", b"settings"), digest(b"l", b"settings"), digest(b"k", b"other")}) == 3
