"""Probes side by side."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.probe import run
from ansible_collections.nixvegas.noc.plugins.module_utils.probe.model import NotAskedError, Options, Seen


def probe(what: str, **changed: Any) -> dict[str, Any]:
    """One probe's options."""
    return {"kind": "http", "what": what, "group": None, "expect": None, "expected": [], "wait": 0, **changed}


def ask(monkeypatch: pytest.MonkeyPatch, answer: Any, *probes: dict[str, Any]) -> list[dict[str, Any]]:
    """Run probes that ``answer`` answers."""
    monkeypatch.setattr(run, "KINDS", {"http": answer})
    return run.ask_all(list(probes), False)


def test_order_and_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers come in the questions' order, whichever is quicker."""

    def answer(options: Options) -> Seen:
        time.sleep(0.05 if options["what"] == "a" else 0)
        return Seen(options["what"], True)

    probes = [probe("a", expected=["1", "2"]), probe("b", group="letters", expect="two")]
    assert ask(monkeypatch, answer, *probes) == [
        {"what": "a", "group": "a", "expected": "1, 2", "seen": "a", "ok": True},
        {"what": "b", "group": "letters", "expected": "two", "seen": "b", "ok": True},
    ]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            NotAskedError("kdig is not on this client: install knot-dnsutils"),
            "kdig is not on this client: install knot-dnsutils",
        ),
        (ValueError("odd"), "ValueError: odd"),
    ],
)
def test_errors_are_answers(monkeypatch: pytest.MonkeyPatch, error: Exception, text: str) -> None:
    """One broken probe leaves the others be."""

    def answer(options: Options) -> Seen:
        if options["what"] == "broken":
            raise error
        return Seen("fine", True)

    broken, other = ask(monkeypatch, answer, probe("broken"), probe("other"))
    assert (broken["seen"], broken["ok"], other["ok"]) == (text, False, True)


def test_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A question is asked again while there is time."""
    monkeypatch.setattr(run, "PAUSE", 0.01)
    answers = iter([Seen("no", False), Seen("no", False), Seen("yes", True)])
    assert ask(monkeypatch, lambda _: next(answers), probe("late", wait=5))[0]["ok"]
