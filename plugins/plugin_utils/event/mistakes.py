# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mistakes in an event file, collected so that all are reported at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.credentials import without_credentials

LONGEST_VALUE = 60


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake.

    line: line of the event file, from 1; path: keys from the top, joined by dots ("hosts.saitama.overlay.address");
    value: what is written there, empty when something is missing; problem: what is wrong with it; remedy: what would
    be right.
    """

    line: int
    path: str
    value: str
    problem: str
    remedy: str

    def describe(self, file: str) -> str:
        """The mistake as one line of text, beginning as compilers do: FILE:LINE: KEY PATH."""
        shown = shortened(without_credentials(self.value))
        subject = f'"{shown}" {self.problem}' if shown else self.problem
        return f"{file}:{self.line}: {self.path or 'the file'}: {subject}; {self.remedy}"


@dataclass(slots=True)
class Mistakes:
    """The mistakes found so far, in the order they were found."""

    found: list[Mistake] = field(default_factory=list)

    def add(self, line: int, path: str, value: str, problem: str, remedy: str) -> None:
        """Note one mistake; see `Mistake` for the arguments."""
        self.found.append(Mistake(line, path, value, problem, remedy))


class EventError(Exception):
    """The event file is wrong. Its text names every mistake, one a line, in the order of the file."""

    def __init__(self, file: str, mistakes: Iterable[Mistake]) -> None:
        self.file = file
        self.mistakes = sorted(set(mistakes))
        super().__init__("\n".join(mistake.describe(file) for mistake in self.mistakes))

    @property
    def report(self) -> str:
        """All mistakes and their number, for a person."""
        return f"{self}\n{self.summary} in {self.file}"

    @property
    def summary(self) -> str:
        """How many mistakes there are, in words."""
        count = len(self.mistakes)
        return "1 mistake" if count == 1 else f"{count} mistakes"


def shortened(value: str) -> str:
    """A value on one line and short enough to leave room for the problem."""
    line = " ".join(value.split())
    return line if len(line) <= LONGEST_VALUE else f"{line[: LONGEST_VALUE - 1]}…"


def nearest(word: str, known: Iterable[str], purpose: str) -> str:
    """A remedy for an unknown word: the known word most like it, or all of them when there are few.

    purpose: what the words are, in the plural, such as "networks".
    """
    choices = list(known)
    alike = difflib.get_close_matches(word, choices, n=1, cutoff=0.6)
    if alike:
        return f'did you mean "{alike[0]}"?'
    if not choices:
        return f"the file has no {purpose}"
    shown = ", ".join(choices[:12])
    return f"known {purpose}: {shown}{', …' if len(choices) > 12 else ''}"  # noqa: PLR2004 - a line stays readable
