"""Settings tables: what they say, and what is said of their mistakes, never with a passphrase."""

from __future__ import annotations

import csv
import io
import traceback
from collections.abc import Mapping

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.table.record import line
from ansible_collections.nixvegas.noc.plugins.plugin_utils.badge_table.event_cache import EventCache
from ansible_collections.nixvegas.noc.plugins.plugin_utils.badge_table.settings_table import (
    TableError,
    read,
    shared_row,
)

MAC = "60:55:f9:00:00:07"
SECRET = "correct horse"
NETWORK = {"router_ssid": "NixVegas", "router_passphrase": SECRET, "cache_upstream": "cache.nixos.lv"}


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("t.csv", f"name,mac,mode\nZoë,60-55-F9-00-00-07,peer\n\n,,\n,{MAC[:-1]}8,\nAda,,\n,,lights\n"),
        ("t.csv", f"\ufeffname;mac;mode\r\nZoë;{MAC};peer\r\n;{MAC[:-1]}8;\r\nAda;;\r\n;;lights\r\n"),
        ("t.yml", f'- {{name: Zoë, mac: "{MAC}", mode: peer}}\n- mac: "{MAC[:-1]}8"\n- name: Ada\n- mode: lights\n'),
    ],
)
def test_rows(where: str, text: str) -> None:
    rows = read(text, where, {"mode": "cache", **NETWORK})
    assert [(row.id, row.mac, row.settings["mode"]) for row in rows] == [
        ("Zoë", MAC, "peer"),
        (f"{MAC[:-1]}8", f"{MAC[:-1]}8", "cache"),
        ("Ada", "", "cache"),
        ("#4", "", "lights"),
    ]
    assert SECRET not in repr(rows)


@pytest.mark.parametrize(
    ("where", "text", "words"),
    [
        ("t.csv", "", "it has no badge in it"),
        ("t.csv", "name,name\n", "line 1: column 2: name is a column already"),
        ("t.csv", f"{SECRET},{SECRET}\n", "line 1: it names no column; let it be, for instance, mac,name,mode"),
        ("t.csv", f"Zoë,{MAC},cache,{SECRET}\nAda,,peer,{SECRET}\n", "line 1: it names no column"),
        ("t.csv", f"name,{SECRET}\n", "line 1: column 2: there is no such column; there are mac, mode, name"),
        ("t.csv", f"mac,mode\n{SECRET},lights\n", "line 2: mac: it is no MAC; write it as 60:55:f9:00:00:07"),
        ("t.csv", f"mac,mode\n,{SECRET}\n", "line 2: mode: it is no mode; choose one of lights, cache, peer"),
        ("t.csv", f"mode,cache_priority\nlights,{SECRET}\n", "line 2: cache_priority: it is no priority; write an int"),
        ("t.csv", f"mode,cache_store\nlights,{SECRET}\n", "line 2: cache_store: it is no store"),
        ("t.csv", f"mode,cache_upstream\nlights,{SECRET}\n", "line 2: cache_upstream: it is no host"),
        ("t.csv", f"mode,cache_certificate\nlights,{SECRET}\n", "line 2: cache_certificate: it is no certificate"),
        ("t.csv", f"mode,name\nlights,{SECRET}{SECRET}{SECRET}\n", "line 2: name: it has 39 bytes; write 31 at most"),
        ("t.csv", f"mode,router_ssid\nlights,{SECRET}{SECRET}{SECRET}\n", "line 2: router_ssid: it has 39 bytes"),
        ("t.csv", f"mode,name\nlights,{SECRET}\nlights,{SECRET}\n", "line 3: name: it stands in line 2 too"),
        ("t.csv", f'name,mode\na,"lights\nb,{SECRET}\n', "it is not CSV: unexpected end of data; look for a double"),
        ("t.csv", f'name,mode\na,"lights"{SECRET}\n', "line 2: it is not CSV"),
        ("t.yml", f"- {{mode: lights, {SECRET}: 1}}\n", "line 1: there is no such setting; there are mac"),
        ("t.yml", "- {mode: lights, name: *correct }\n", "line 1: it is not YAML; quote values"),
        ("t.yml", "- {mode: lights, name: !correct horse}\n", "line 1: it is not YAML; quote values"),
        ("t.yml", "- {mode: lights, name: 2026-13-45}\n", "line 1: it has a value that YAML cannot read; quote it"),
        ("t.csv", "name,mode\na,lights,c\n", "line 2: 3 cells under 2 columns"),
        ("t.csv", "name,mode\na,lights\na,lights\n", "line 3: name: it stands in line 2 too"),
        ("t.csv", "nam,mode\na,lights\n", "line 1: column 1: there is no such column; is it name?"),
        ("t.csv", "mac,mode\n60:55,lights\n", "line 2: mac: it is no MAC"),
        ("t.yml", "- mac: 10:11:12:13:14:15\n  mode: lights\n", "line 1: mac: .* in YAML in quotes"),
        ("t.yml", "- {name: a, mode: lights}\n- {name: b, mode: dark}\n", "line 2: mode: it is no mode"),
        ("t.yml", "name: a\n", "it is no list"),
        ("t.yml", "- a\n", "line 1: it is no mapping"),
        ("t.yml", f"- {{router_passphrase: {SECRET}\n", "it is not YAML"),
        ("t.csv", f"mode,router_passphrase\ncache,{SECRET}\n", "router_ssid: it is missing"),
    ],
)
def test_mistakes(where: str, text: str, words: str) -> None:
    with pytest.raises(TableError, match=words) as error:
        read(text, where, {})
    said = "".join(traceback.format_exception(error.value))
    assert not [word for word in (SECRET, *SECRET.split(" "), "2026-13") if word in said]


def test_all_mistakes_are_told_at_once_but_not_hundreds() -> None:
    with pytest.raises(TableError) as error:
        read("name,mode\n" + "".join(f"n{number},dark\n" for number in range(200)), "t.csv", {})
    assert str(error.value).count("\n") == 20
    assert "and 180 more" in str(error.value)


def test_badges_beside_a_table_of_macs_get_what_all_share_if_that_is_enough() -> None:
    by_mac = read(f"mac,mode\n{MAC},lights\n", "t.csv", {})
    assert shared_row({"mode": "lights"}, by_mac) is not None
    assert shared_row({"mode": "cache"}, by_mac) is None
    assert shared_row({"mode": "lights"}, read("name,mode\na,lights\n", "t.csv", {})) is None
    assert shared_row({}, ()) is None


def test_a_name_is_known_again_as_the_ledger_has_it() -> None:
    """White space of a spreadsheet's cell, which the ledger writes as one space, makes no other badge of it."""
    (row,) = read("name,mode\n Ada  Lovelace ,lights\n", "t.csv", {})
    (written,) = csv.reader(io.StringIO(line([row.id])))
    assert written == [row.id]


def test_another_cache_has_another_authority() -> None:
    """The event's certificate goes with the event's cache alone, and is read for that alone."""
    shared = {"mode": "cache", "router_ssid": "NixVegas", "router_passphrase": SECRET}
    wanted: list[str] = []
    event = EventCache("cache.nixos.lv", lambda: wanted.append("certificate") or "")  # type: ignore[func-returns-value]

    def settings(cell: str, **more: str) -> Mapping[str, object]:
        (row,) = read(f"name,cache_upstream\na,{cell}\n", "t.csv", shared | more, event)
        return row.settings

    assert settings("other.example")["cache_upstream"] == "other.example"
    assert "cache_certificate" not in settings("", cache_upstream="10.0.0.1")
    assert settings("", cache_certificate="")["cache_upstream"] == "cache.nixos.lv"
    assert wanted == []
    assert settings("")["cache_upstream"] == "cache.nixos.lv"
    assert "cache_certificate" in settings("cache.nixos.lv")
    assert wanted == ["certificate", "certificate"]


def test_what_all_badges_share_is_checked_before_there_are_any() -> None:
    with pytest.raises(TableError, match="settings: mode: it is no mode") as error:
        shared_row({"mode": SECRET}, ())
    assert SECRET not in str(error.value)


def test_names_that_the_ledger_cannot_tell_apart_are_refused() -> None:
    with pytest.raises(TableError, match="stands in line 2 too"):
        read("name,mode\nAda L,lights\nAda  L,lights\n", "t.csv", {})
