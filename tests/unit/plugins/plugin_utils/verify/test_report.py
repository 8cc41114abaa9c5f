"""The table."""

from __future__ import annotations

from typing import Any

from ansible_collections.nixvegas.noc.plugins.plugin_utils.verify.answers import answers
from ansible_collections.nixvegas.noc.plugins.plugin_utils.verify.report import rows_of, table


def answer(what: str, group: str, expected: str, seen: str, ok: bool = True) -> dict[str, Any]:
    """One answer of a probe."""
    return {"what": what, "group": group, "expected": expected, "seen": seen, "ok": ok}


GIVEN = [
    ("laptop", answer("lease: router", "lease: router", "10.33.0.1", "10.33.0.1")),
    ("laptop", answer("a.example", "names", "10.0.0.1", "10.0.0.1")),
    ("laptop", answer("b.example", "names", "10.0.0.2", "no such name", ok=False)),
    ("laptop", answer("c.example", "names", "10.0.0.3", "10.0.0.3")),
    ("crew", answer("ghostgate 10.4.0.1:22", "ghostgate is closed", "closed", "no answer")),
    ("crew", answer("ghostgate 10.4.1.1:22", "ghostgate is closed", "closed", "no answer")),
]

TABLE = """\
    from    what                 expected              seen
--  ------  -------------------  --------------------  ------------------
ok  laptop  lease: router        10.33.0.1             10.33.0.1
ok  laptop  names                as in the event file  2 of 3
NO  laptop  b.example            10.0.0.2              no such name
ok  crew    ghostgate is closed  closed                no answer (2 of 2)
not asked: failover
4 rows, 3 right, 1 wrong"""


def test_table() -> None:
    """Right answers of a group are one row, wrong ones stand by themselves."""
    assert table(rows_of(GIVEN), ["failover"]) == TABLE


def test_long_cells_go_on_below() -> None:
    """Nothing is cut off, and the columns stay in line."""
    text = table(rows_of([("laptop", answer("page", "page", "200", "word " * 30))]))
    lines = text.splitlines()[2:-1]
    assert len(lines) == 3
    assert " ".join(lines).split().count("word") == 30


def test_a_row_in_one_line() -> None:
    """As the run's last words name it."""
    wrong = [str(row) for row in rows_of(GIVEN) if not row.ok]
    assert wrong == ["laptop: b.example: expected 10.0.0.2, seen no such name"]


def test_answers_of_all_hosts() -> None:
    """Clients first; the capture is the router's; who was not asked is left out, who did not answer is not."""
    lease, capture = GIVEN[0][1], answer("clients' packets", "clients' packets", "no packet", "no packet")
    hosts: dict[str, dict[str, Any]] = {
        "ghostgate": {"verify_asked": {"results": []}},
        "genos": {"verify_asked": {"unreachable": True}},
        "vivec": {},
        "laptop": {
            "verify_network": "arena",
            "verify_router": "ghostgate",
            "verify_asked": {"results": [lease]},
            "verify_recovered": {"results": [lease]},
            "verify_captured": {"results": [capture]},
        },
    }
    gathered = answers(hosts)
    assert list(gathered) == ["laptop", "ghostgate", "genos"]
    assert gathered == {"laptop": [lease, lease], "ghostgate": [capture], "genos": None}
