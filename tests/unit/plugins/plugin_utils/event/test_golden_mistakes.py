"""The exact text of all mistakes in the event files of tests/golden/event."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.plugins.plugin_utils.event import EventError, parse_event

CASES = sorted((Path(__file__).resolve().parents[4] / "golden/event").glob("*.yml"))


def mistakes_of(text: str) -> str:
    """What the compiler says about an event file, one mistake a line; nothing when it is right."""
    try:
        parse_event(text, "event.yml")
    except EventError as error:
        return f"{error}\n"
    return ""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_mistakes(case: Path, golden: Callable[[str, str], None]) -> None:
    golden(f"event/{case.stem}.txt", mistakes_of(case.read_text(encoding="utf-8")))


def test_only_these_cases_are_right() -> None:
    assert [case.stem for case in CASES if not mistakes_of(case.read_text(encoding="utf-8"))] == [
        "alternative",
        "valid",
    ]


def test_no_secret_is_shown() -> None:
    assert not [case.stem for case in CASES if "never-shown" in mistakes_of(case.read_text(encoding="utf-8"))]
