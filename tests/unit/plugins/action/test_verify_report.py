"""The report's verdict."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.nixvegas.noc.plugins.action import verify_report

ANSWER = {"what": "lease", "group": "lease", "expected": "10.0.0.1", "seen": "10.0.0.1", "ok": True}


def report(monkeypatch: pytest.MonkeyPatch, answers: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Run the action; its result, and what it printed."""
    printed: list[str] = []
    monkeypatch.setattr(verify_report.Display, "display", lambda _self, text, *_a, **_k: printed.append(text))
    task = type("Task", (), {"args": {"answers": answers}, "async_val": 0, "check_mode": False})()
    action = verify_report.ActionModule(task, None, None, None, None, None)
    monkeypatch.setattr(verify_report.ActionBase, "run", lambda *_: {})
    return action.run(None, {}), "\n".join(printed)


def test_all_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing fails, the table is printed."""
    result, printed = report(monkeypatch, {"laptop": [ANSWER]})
    assert (result["failed"], result["rows"], result["msg"]) == (False, 1, "all 1 rows are right")
    assert "1 rows, 1 right, 0 wrong" in printed


def test_wrong_and_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each wrong row and each silent host is named."""
    result, _ = report(monkeypatch, {"laptop": [{**ANSWER, "seen": "none", "ok": False}], "crew": None})
    assert result["failed"]
    assert result["wrong"] == [
        "laptop: lease: expected 10.0.0.1, seen none",
        "crew: answers: expected some, seen none: the host was not reached, or its probe failed",
    ]


def test_nothing_asked_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty table proves nothing."""
    assert report(monkeypatch, {})[0]["failed"]
