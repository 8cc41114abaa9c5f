"""The screen: every size is filled exactly, words say what colours say, nothing runs over."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.table import letters, screen
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.table.record import History
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.table.slot import Slot, State
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.table.table import Table

STATES = tuple(State)


def table(count: int, name: str = "Zoë 名前\x1b[31m") -> Table:
    states = itertools.islice(itertools.cycle(STATES), count)
    slots = [
        Slot(str(number), state, row=name, mode="lights", mac="60:55:f9:00:00:07", advice="swap the cable " * 5)
        for number, state in enumerate(states, 1)
    ]
    return Table(slots, "fw", (), None, {}, History(), lambda: "")


def text(pieces: Sequence[Sequence[screen.Piece]]) -> str:
    return "\n".join("".join(piece for _style, piece in line) for line in pieces)


@pytest.mark.parametrize("count", [1, 7, 8, 12, 16, 32])
@pytest.mark.parametrize("size", [(80, 24), (81, 25), (100, 30), (120, 40), (200, 50), (40, 8), (60, 60)])
def test_every_line_fills_the_terminal(count: int, size: tuple[int, int]) -> None:
    columns, lines = size
    drawn = screen.render(table(count), columns, lines, "q: end", "Badges")
    assert len(drawn) == lines
    assert {sum(screen.width(piece) for _style, piece in line) for line in drawn} == {columns}
    assert "\x1b" not in text(drawn)


def test_a_small_window_says_so() -> None:
    assert "make this window" in text(screen.render(table(8), 39, 24, "", ""))


def test_eight_slots_have_large_letters_at_80_by_24_and_larger_ones_where_there_is_room() -> None:
    assert all(row in text(screen.render(table(8), 80, 24, "", "")) for row in letters.half("PASS"))
    assert all(row in text(screen.render(table(8), 80, 24, "", "")) for row in letters.half("FAIL"))
    assert all(row in text(screen.render(table(8), 200, 50, "", "")) for row in letters.full("FAIL"))


@pytest.mark.parametrize("state", STATES)
def test_each_state_has_a_word_that_has_letters(state: State) -> None:
    assert len(letters.half(state.value)[0]) == 6 * len(state.value) - 1


def test_percent_is_shown_large() -> None:
    badges = table(1)
    badges.slots[0].state, badges.slots[0].percent = State.FLASHING, 42
    assert all(row in text(screen.render(badges, 80, 24, "", "")) for row in letters.full("42%"))


def test_which_slots_to_swap_is_said_in_words() -> None:
    drawn = text(screen.render(table(8), 80, 24, "q: end", "Badges"))
    assert "SWAP NOW: slot 5, 6, 7" in drawn
    assert drawn.splitlines()[-1].endswith(
        "q: end".ljust(len(drawn.splitlines()[-1]) - drawn.splitlines()[-1].index("q: end"))
    )


def test_pass_and_fail_differ_without_colours_too() -> None:
    assert screen.Style.GOOD.value[1] != screen.Style.BAD.value[1]
    coloured, plain = (screen.encode(screen.render(table(8), 80, 24, "", ""), colours) for colours in (True, False))
    assert "42m" in coloured
    assert "42m" not in plain
