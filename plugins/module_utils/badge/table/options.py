# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a table is told at its start, as JSON: the action `badge_table` writes it, the program reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..flasher import DEFAULT_BAUD
from .assignment import Row


@dataclass(frozen=True)
class Options:
    """All paths are absolute.

    firmware: build folder; ledger: CSV file; slots: names in the table's order; ports: a device for each slot, empty
    for the badges on USB; rows, default: settings; baud: bit/s; idle: end so many seconds after the last event, None
    for never; release: MACs whose settings go to other badges; title: for the screen.
    """

    firmware: str
    ledger: str
    slots: tuple[str, ...] = ()
    ports: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[Row, ...] = field(default=(), repr=False)
    default: Row | None = field(default=None, repr=False)
    baud: int = DEFAULT_BAUD
    idle: float | None = None
    check: bool = False
    release: tuple[str, ...] = ()
    title: str = "Badges"


def dump(options: Options) -> str:
    """Options as JSON, with the passphrases in them."""
    return json.dumps(asdict(options))


def load(text: str) -> Options:
    """The options that `dump` wrote."""
    given: dict[str, Any] = json.loads(text)
    given["rows"] = tuple(Row(**row) for row in given["rows"])
    given["default"] = Row(**given["default"]) if given["default"] is not None else None
    given |= {key: tuple(given[key]) for key in ("slots", "release") if key in given}
    return Options(**given)
