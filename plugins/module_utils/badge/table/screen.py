# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The screen as text: a field a slot with a large word and a colour, and running totals. Pure."""

from __future__ import annotations

import math
import textwrap
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from .letters import FULL_HEIGHT, HALF_HEIGHT, full, half
from .slot import Slot, State
from .table import Table, swaps

MIN_COLUMNS, MIN_LINES = 40, 8
_FIELD = (38, 5)
"""The smallest field that large letters have room in: columns and lines."""
_SHORT_FIELD = 20
_MAX_DIGITS = 2
"""Of a slot's name in large letters."""


class Style(Enum):
    """How a line looks, as the parameters of ECMA-48's SGR: with colours, and on terminals without."""

    PLAIN = ("0", "0")
    BAR = ("30;47", "7")
    EMPTY = ("37;100", "0")
    WORK = ("97;44", "0")
    GOOD = ("1;30;42", "1")
    BAD = ("1;97;41", "1;7")


_STYLES = {
    State.EMPTY: Style.EMPTY,
    State.WAITING: Style.WORK,
    State.LOOKING: Style.WORK,
    State.FLASHING: Style.WORK,
    State.PASSED: Style.GOOD,
    State.DONE: Style.GOOD,
    State.FAILED: Style.BAD,
}
Piece = tuple[Style, str]


@dataclass(frozen=True)
class Layout:
    """How the slots are laid out: fields beside and below each other, and a field's columns and lines."""

    across: int
    down: int
    columns: int
    lines: int


def layout(slots: int, columns: int, lines: int) -> Layout:
    """The layout with the largest letters for so many slots; the first and the last two lines are not for fields."""
    height = max(lines - 3, 1)
    choices = []
    for across in range(1, max(slots, 1) + 1):
        down = math.ceil(max(slots, 1) / across)
        choice = Layout(across, down, columns // across, min(height // down, 12))
        choices.append((_letters(choice.columns, choice.lines), min(choice.columns, 80), -across, choice))
    return max(choices, key=lambda choice: choice[:3])[3]


def _letters(columns: int, lines: int) -> int:
    """How high letters may be in a field: six lines, three, or one."""
    if columns >= 2 * _FIELD[0] and lines >= FULL_HEIGHT + 2:
        return FULL_HEIGHT
    if columns >= _FIELD[0] and lines >= _FIELD[1]:
        return HALF_HEIGHT
    return int(columns >= _SHORT_FIELD and lines >= 1)


def render(table: Table, columns: int, lines: int, keys: str, title: str) -> list[list[Piece]]:
    """The whole screen, a list of pieces a line; each line fills the columns.

    :param keys: how the run is ended, for the last line.
    """
    if columns < MIN_COLUMNS or lines < MIN_LINES:
        return [[(Style.PLAIN, fit(f"make this window {MIN_COLUMNS}x{MIN_LINES} or larger", columns))]]
    plan = layout(len(table.slots), columns, lines)
    screen = [[(Style.BAR, fit(f" {title}", columns))]]
    for first in range(0, len(table.slots), plan.across):
        fields = [field(slot, plan.columns, plan.lines) for slot in table.slots[first : first + plan.across]]
        screen += [
            _filled([piece for style, rows in fields for piece in ((style, rows[number]), (Style.PLAIN, " "))], columns)
            for number in range(plan.lines)
        ]
    screen = screen[: lines - 2]
    screen += [[(Style.PLAIN, " " * columns)]] * (lines - 2 - len(screen))
    return [*screen, [_totals(table, columns)], [(Style.BAR, fit(f" {_call(table, keys)}", columns))]]


def field(slot: Slot, columns: int, lines: int) -> tuple[Style, list[str]]:
    """A slot's field: its name, the state in the largest letters that it has room for, and two lines that explain."""
    word = f"{slot.percent}%" if slot.state is State.FLASHING and slot.percent else slot.state.value
    height = _letters(columns, lines)
    if height <= 1:
        texts = [f" {slot.name:>4} {word:<5} {slot.advice or slot.detail}", _who(slot)]
    else:
        draw, gap = (full, 4) if height == FULL_HEIGHT else (half, 3)
        name = draw(slot.name) if _drawable(slot.name) else [slot.name, *[""] * (height - 1)]
        # The name stands apart, or slot 6 at 60 % reads as 660 %; the word begins in one column in all fields.
        left = max(*map(len, name), len(draw("00")[0])) + gap
        texts = [f" {number:<{left}}{letters}" for number, letters in zip(name, draw(word), strict=True)]
        texts += _explained(slot, columns - 2)
    rows = [fit(text, columns - 1) for text in texts[:lines]]
    return _STYLES[slot.state], rows + [" " * (columns - 1)] * (lines - len(rows))


def _explained(slot: Slot, columns: int) -> list[str]:
    """Two lines: what to do with a failed badge needs both of them."""
    if slot.state is State.FAILED and width(slot.advice) > columns:
        return [f" {text}" for text in textwrap.wrap(slot.advice, columns)[:2]]
    return [_who(slot), " " + (slot.advice or slot.detail or ("plug in a badge" if slot.state is State.EMPTY else ""))]


def _drawable(name: str) -> bool:
    return name.isdecimal() and name.isascii() and len(name) <= _MAX_DIGITS


def _who(slot: Slot) -> str:
    return " " + " ".join(text for text in (slot.row, slot.mode, slot.mac) if text)


def _totals(table: Table, columns: int) -> Piece:
    passed, done = table.count(State.PASSED), table.count(State.DONE)
    left = f"   LEFT {table.left}" if table.left is not None else ""
    text = f" PASS {passed}   FAIL {table.failed}   DONE BEFORE {done}{left}   IN THE LEDGER {table.history.passed}"
    return (Style.BAD if table.failed else Style.PLAIN, fit(text, columns))


def _call(table: Table, keys: str) -> str:
    if table.ending:
        return "ENDING: the badges in work are finished first; Ctrl-C again stops them at once"
    ready = swaps(table.slots)
    call = f"SWAP NOW: slot {', '.join(ready)}" if ready else "WAIT" if table.is_busy else "PLUG IN BADGES"
    return f"{call}   |   {keys}"


def _filled(pieces: Sequence[Piece], columns: int) -> list[Piece]:
    missing = columns - sum(width(text) for _style, text in pieces)
    return [*pieces, (Style.PLAIN, " " * missing)] if missing > 0 else list(pieces)


def fit(text: str, columns: int) -> str:
    """Text in exactly so many columns, cut with an ellipsis. What a terminal would act on is left out."""
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    if width(text) > columns:
        while text and width(text) >= columns:
            text = text[:-1]
        text += "…" if columns else ""
    return text + " " * (columns - width(text))


def width(text: str) -> int:
    """Columns of a text on a terminal (Unicode Standard Annex 11)."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def encode(screen: Sequence[Sequence[Piece]], colours: bool = True) -> str:
    """The screen with its styles as control sequences, to be written from the terminal's upper left corner."""
    column = 0 if colours else 1
    return "\r\n".join(
        "".join(f"\x1b[{style.value[column]}m{text}" for style, text in pieces) + "\x1b[0m" for pieces in screen
    )
