"""Which layouts are kept."""

from __future__ import annotations

import asyncio

import pytest
from nar_server import layout_index
from nar_server.layout import LargeFile, Layout
from nar_server.layout_index import LayoutIndex

FOUND = (1, 2, 3)
COST = LargeFile(1, b"x").cost


def made(found: tuple[int, int, int] = FOUND) -> Layout:
    return Layout(found, [LargeFile(1, b"x")])


@pytest.fixture
def index() -> LayoutIndex:
    """Room for two."""
    return LayoutIndex(2 * COST)


def kept(index: LayoutIndex) -> str:
    return "".join(name for name in "abcd" if index.get((name.encode(), b"h"), FOUND) is not None)


def test_what_was_just_used_stays(index: LayoutIndex) -> None:
    for name in (b"a", b"b", b"c"):
        index.put((name, b"h"), made())
    assert kept(index) == "ab"


def test_the_longest_unused_goes(index: LayoutIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout_index, "_STAYS_SECONDS", 0)
    for name in (b"a", b"b"):
        index.put((name, b"h"), made())
    assert index.get((b"a", b"h"), FOUND) is not None
    index.put((b"c", b"h"), made())
    assert kept(index) == "ac"


def test_one_that_is_too_large_drives_out_none(index: LayoutIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout_index, "_STAYS_SECONDS", 0)
    index.put((b"b", b"h"), made())
    index.put((b"a", b"h"), Layout(FOUND, [LargeFile(1, b"x")] * 3))
    assert kept(index) == "b"


def test_what_was_dropped_makes_room(index: LayoutIndex) -> None:
    for name in (b"a", b"b"):
        index.put((name, b"h"), made())
        index.put((name, b"h"), made())
    index.drop((b"a", b"h"))
    index.put((b"c", b"h"), made())
    assert kept(index) == "bc"


def test_that_of_something_else_is_none(index: LayoutIndex) -> None:
    index.put((b"a", b"h"), made((1, 2, 4)))
    assert kept(index) == ""
    assert index.get((b"a", b"other"), (1, 2, 4)) is None
    index.put((b"a", b"h"), made())
    assert kept(index) == "a"


def test_one_that_is_sent_from_is_shared_though_it_is_not_kept(index: LayoutIndex) -> None:
    large = Layout(FOUND, [LargeFile(1, b"x")] * 3)
    index.put((b"a", b"h"), large)
    assert index.get((b"a", b"h"), FOUND) is large
    del large
    assert kept(index) == ""


def test_first_requests_collect_no_more_than_the_limit(index: LayoutIndex) -> None:
    with index.collecting((b"a", b"h")) as one, index.collecting((b"b", b"h")) as other:
        assert index.collects((b"a", b"h"))
        index.collect(one, [LargeFile(1, b"x")])
        index.collect(other, [LargeFile(1, b"x")])
        index.collect(other, [LargeFile(1, b"x")])
        assert other.pieces is None
        index.collect(other, [LargeFile(1, b"x")])
        index.collect(one, [LargeFile(1, b"x")])
        assert (one.pieces, other.pieces) == ([LargeFile(1, b"x")] * 2, None)
    assert not index.collects((b"a", b"h"))


def test_a_path_is_surveyed_once_for_all_who_wait(index: LayoutIndex) -> None:
    surveys: list[Layout] = []

    def survey() -> Layout:
        surveys.append(made())
        return surveys[-1]

    async def work() -> list[Layout]:
        waiting = [asyncio.ensure_future(index.survey((b"a", b"h"), FOUND, survey)) for _ in range(5)]
        await asyncio.sleep(0)
        # One who leaves takes nothing from the others.
        waiting.pop(0).cancel()
        return await asyncio.gather(*waiting)

    assert asyncio.run(work()) == surveys * 4
    assert len(surveys) == 1
