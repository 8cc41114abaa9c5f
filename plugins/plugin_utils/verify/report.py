# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of answers."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

HEADER = ("", "from", "what", "expected", "seen")
WIDTHS = (2, 14, 52, 44, 56)  # the widest a column may be; what is longer goes on in the next line


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    origin: str
    what: str
    expected: str
    seen: str
    ok: bool

    def __str__(self) -> str:
        """One line of text."""
        return f"{self.origin}: {self.what}: expected {self.expected}, seen {self.seen}"


def common(texts: Iterable[str], otherwise: str) -> str:
    """The text all have, else ``otherwise``."""
    different = set(texts)
    return different.pop() if len(different) == 1 else otherwise


def merge(origin: str, group: str, answers: Sequence[Mapping[str, Any]]) -> list[Row]:
    """The rows of one group: one for all right answers, one for each wrong one."""
    right = [answer for answer in answers if answer["ok"]]
    wrong = [answer for answer in answers if not answer["ok"]]
    rows = [Row(origin, a["what"], a["expected"], a["seen"], False) for a in wrong]
    if len(answers) == 1 and right:
        return [Row(origin, right[0]["what"], right[0]["expected"], right[0]["seen"], True)]
    if right:
        expected = common((answer["expected"] for answer in right), "as in the event file")
        seen = common((answer["seen"] for answer in right), "")
        count = f"{len(right)} of {len(answers)}"
        rows.insert(0, Row(origin, group, expected, f"{seen} ({count})" if seen else count, True))
    return rows


def rows_of(answers: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Row]:
    """The table's rows from (host, answer): groups in the order of their first answer."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for origin, answer in answers:
        groups.setdefault((origin, answer["group"]), []).append(answer)
    return [row for (origin, group), members in groups.items() for row in merge(origin, group, members)]


def _line(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    wrapped = [textwrap.wrap(cell, width) or [""] for cell, width in zip(cells, widths, strict=True)]
    return [
        "  ".join(part.ljust(width) for part, width in zip(parts, widths, strict=True)).rstrip()
        for parts in zip_longest(*wrapped, fillvalue="")
    ]


def table(rows: Sequence[Row], not_asked: Sequence[str] = ()) -> str:
    """The table as text, with its summary; what was not asked is said below it."""
    cells = [("ok" if row.ok else "NO", row.origin, row.what, row.expected, row.seen) for row in rows]
    longest = [max(len(line[column]) for line in [HEADER, *cells]) for column in range(len(HEADER))]
    widths = [max(1, min(most, length)) for most, length in zip(WIDTHS, longest, strict=True)]
    lines = [line for cell in [HEADER, *cells] for line in _line(cell, widths)]
    lines.insert(1, "  ".join("-" * width for width in widths))
    lines += [f"not asked: {text}" for text in not_asked]
    wrong = sum(not row.ok for row in rows)
    return "\n".join([*lines, f"{len(rows)} rows, {len(rows) - wrong} right, {wrong} wrong"])
