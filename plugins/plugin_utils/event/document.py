# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tree of an event file: cells that know their line and key path, and the kinds of cells there are.

A cell whose text is wrong has no value, so that later checks stay silent about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from .mistakes import Mistakes

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value. `of` names what it refers to ("network"), when it is a name defined elsewhere in the file."""

    read: Callable[[str], object]
    of: str = ""


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list without repetitions. `or_one`: a single item may stand for a list of one."""

    item: Scalar
    or_one: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """A mapping from names the user chooses to things of one kind; `what` is such a thing ("network"). `some`: it may
    not be empty."""

    what: str
    name: Scalar
    item: Kind
    some: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with fixed keys."""

    keys: Mapping[str, Kind]
    required: frozenset[str] = frozenset()


Kind = Scalar | ListOf | Named | Record


@dataclass(slots=True)
class Cell:
    """One place of the file. `value`: dict or list of cells, a scalar's value, or None when it is wrong."""

    line: int
    path: str
    text: str = ""
    value: object = None

    @property
    def unclear(self) -> bool:
        """Whether something directly in it is wrong, or has a key nobody knows: what it was meant to say is not
        known."""
        return isinstance(self.value, dict) and any(cell.value is None for cell in self.value.values())

    def get(self, key: str) -> Cell | None:
        """The cell under `key`, None when there is none."""
        return self.value.get(key) if isinstance(self.value, dict) else None

    def items(self) -> Iterator[tuple[str, Cell]]:
        """The names and cells of a mapping, in the order of the file; nothing when it is no mapping."""
        return iter(self.value.items() if isinstance(self.value, dict) else ())

    def each(self, key: str) -> list[Cell]:
        """The cells of the list under `key`; none when it is missing or wrong."""
        cell = self.get(key)
        return list(cell.value) if cell is not None and isinstance(cell.value, list) else []

    def read(self, key: str, kind: type[T]) -> T | None:
        """The value under `key` if it is there and right."""
        cell = self.get(key)
        return cell.value if cell is not None and isinstance(cell.value, kind) else None

    def need(self, key: str, kind: type[T]) -> T:
        """The value under `key`, where the checks have shown that it is there."""
        value = self.read(key, kind)
        if value is None:
            raise LookupError(f"{self.path}.{key} should have been reported as a mistake")
        return value

    def plain(self) -> dict[str, object]:
        """A mapping of single values and mappings, without lines and paths."""
        return {key: item.plain() if isinstance(item.value, dict) else item.value for key, item in self.items()}

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts of the list under `key`; none if one is wrong: then nobody knows what was meant."""
        found = tuple(cell.value for cell in self.each(key) if isinstance(cell.value, str))
        return found if len(found) == len(self.each(key)) else ()


@dataclass(slots=True)
class Document:
    """A whole file: its tree, the mistakes found, and every cell that refers to a name, by what it refers to."""

    root: Cell
    mistakes: Mistakes
    references: list[tuple[str, Cell]] = field(default_factory=list)
