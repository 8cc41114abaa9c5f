"""Which layouts are kept."""

from __future__ import annotations

import pytest
from nar_server import layout
from nar_server.layout import LargeFile, Layout, LayoutIndex

FOUND = (1, 2, 3)
COST = LargeFile(1, b"x").cost


def made(found: tuple[int, int, int] = FOUND) -> Layout:
    return Layout(found, [LargeFile(1, b"x")])


@pytest.fixture
def index() -> LayoutIndex:
    """Room for two."""
    return LayoutIndex(2 * COST)


def kept(index: LayoutIndex) -> str:
    return "".join(name for name in "abcd" if index.get(name.encode(), b"h", FOUND) is not None)


def test_what_was_just_used_stays(index: LayoutIndex) -> None:
    for name in (b"a", b"b", b"c"):
        index.put(name, b"h", made())
    assert kept(index) == "ab"


def test_the_longest_unused_goes(index: LayoutIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "_STAYS_SECONDS", 0)
    for name in (b"a", b"b"):
        index.put(name, b"h", made())
    assert index.get(b"a", b"h", FOUND) is not None
    index.put(b"c", b"h", made())
    assert kept(index) == "ac"


def test_one_that_is_too_large_drives_out_none(index: LayoutIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "_STAYS_SECONDS", 0)
    index.put(b"b", b"h", made())
    index.put(b"a", b"h", Layout(FOUND, [LargeFile(1, b"x")] * 3))
    assert kept(index) == "b"


def test_what_was_dropped_makes_room(index: LayoutIndex) -> None:
    for name in (b"a", b"b"):
        index.put(name, b"h", made())
        index.put(name, b"h", made())
    index.drop(b"a", b"h")
    index.put(b"c", b"h", made())
    assert kept(index) == "bc"


def test_that_of_something_else_is_none(index: LayoutIndex) -> None:
    index.put(b"a", b"h", made((1, 2, 4)))
    assert kept(index) == ""
    assert index.get(b"a", b"other", (1, 2, 4)) is None
    index.put(b"a", b"h", made())
    assert kept(index) == "a"
