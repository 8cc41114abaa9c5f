"""What all tests share: golden files, compared with what is rendered, or written anew by `pytest --refresh-golden`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
Golden = Callable[[str, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --refresh-golden."""
    parser.addoption("--refresh-golden", action="store_true", help="write the golden files anew instead of comparing")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """A function that compares a text with the golden file of a name below tests/golden."""
    refresh: bool = request.config.getoption("--refresh-golden")

    def compare(name: str, text: str) -> None:
        file = CHECKOUT / "tests/golden" / name
        if refresh:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        expected = file.read_text(encoding="utf-8") if file.exists() else ""
        assert text == expected, f"tests/golden/{name} differs; if that is right: pytest --refresh-golden"

    return compare
