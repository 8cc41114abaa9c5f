"""Answers of resolvers."""

from __future__ import annotations

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.probe import names
from ansible_collections.nixvegas.noc.plugins.module_utils.probe.names import Reply

ALIAS = {"TYPEname": "CNAME", "rdataCNAME": "a.example."}


def address(data: str) -> dict[str, str]:
    """One address record of a message."""
    return {"TYPEname": "A", "rdataA": data}


@pytest.mark.parametrize(
    ("message", "record_type", "reply"),
    [
        (
            {"QR": 1, "RCODE": 0, "answerRRs": [ALIAS, address("10.0.0.1"), address("10.0.0.2")]},
            "A",
            ("10.0.0.1", "10.0.0.2"),
        ),
        ({"QR": 1, "RCODE": 0, "answerRRs": [{"TYPEname": "PTR", "rdataPTR": "A.Example."}]}, "PTR", ("a.example",)),
    ],
)
def test_data(message: dict[str, object], record_type: str, reply: tuple[str, ...]) -> None:
    """Only the asked type, as the event file writes names."""
    assert names.parse(message, record_type) == Reply(reply)


@pytest.mark.parametrize(
    ("code", "problem"),
    [(0, "no such record"), (2, "SERVFAIL"), (3, "no such name"), (5, "REFUSED"), (9, "code 9")],
)
def test_problems(code: int, problem: str) -> None:
    """No data is said in words."""
    assert str(names.parse({"QR": 1, "RCODE": code}, "A")) == problem


def test_a_query_is_no_answer() -> None:
    """By TCP, kdig writes out the query when nothing comes back."""
    assert str(names.parse({"QR": 0}, "A")) == "no answer"


def test_data_in_any_order_is_the_same() -> None:
    """Resolvers shuffle; case and final dots do not count."""
    assert names.same(["B.example.", "a.example"], Reply(("a.example", "b.example")))
    assert not names.same(["10.0.0.1"], Reply(("10.0.0.1", "10.0.0.2")))
    assert names.same([], Reply((), "no such name"))


def test_a_silent_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """kdig without an answer prints no JSON."""
    commands = []
    answer = type("Answer", (), {"stdout": ""})

    def run(command: list[str], _timeout: float) -> type:
        commands.append(command)
        return answer

    monkeypatch.setattr(names, "run", run)
    assert names.ask("a.example", "A", "9.9.9.9", 2, tcp=True) == Reply((), "no answer")
    assert commands == [["kdig", "+json", "+timeout=2", "+retry=0", "+tcp", "@9.9.9.9", "a.example", "A"]]


def test_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forward and reverse name of this client's lease."""
    monkeypatch.setattr(names.socket, "gethostname", lambda: "Laptop.local")
    monkeypatch.setattr(names, "lease_in", lambda *_: {"address": ["10.33.0.128"]})
    answers = {
        "laptop.arena.example": Reply(("10.33.0.128",)),
        "128.0.33.10.in-addr.arpa": Reply(("laptop.arena.example",)),
    }
    monkeypatch.setattr(names, "ask", lambda name, *_: answers[name])
    options = {"network": "10.33.0.0/24", "domain": "arena.example", "server": None, "timeout": 1}
    assert names.own_name({**options, "type": "A"}).ok
    assert names.own_name({**options, "type": "PTR"}).ok
    answers["laptop.arena.example"] = Reply((), "no such name")
    seen = names.own_name({**options, "type": "A"})
    assert (seen.text, seen.ok) == ("laptop.arena.example: no such name", False)
