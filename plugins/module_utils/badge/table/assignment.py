# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which settings a badge gets: by its MAC, or the next of the table in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


class NoSettingsError(Exception):
    """There are no settings for a badge."""


@dataclass(frozen=True)
class Row:
    """A line of the settings table. id: the badge's name, or the line's place as #3; mac: in lower case, empty for a
    line that goes to whichever badge comes next; settings: as `settings.parse` takes them."""

    id: str
    mac: str = ""
    settings: Mapping[str, object] = field(default_factory=dict, repr=False)


def assign(mac: str, rows: Sequence[Row], default: Row | None, taken: Mapping[str, str]) -> Row:
    """The settings of a badge: those of its MAC, those it had, or the first in order that no badge has. The default is
    for badges beside a table of MACs only: where there is an order, a badge too many has nothing to get.

    :param taken: the rows that badges have, by MAC.
    :raises NoSettingsError: says which kind of table has no settings for it.
    """
    for row in rows:
        if row.mac == mac:
            return row
    in_order = [row for row in rows if not row.mac]
    for row in in_order:
        if row.id == taken.get(mac):
            return row
    if in_order:
        used = set(taken.values())
        for row in in_order:
            if row.id not in used:
                return row
        raise NoSettingsError(f"all {len(in_order)} settings in order are given away")
    if default is None:
        raise NoSettingsError(f"{mac} is not in the settings table")
    return default


def left(rows: Sequence[Row], taken: Mapping[str, str]) -> int:
    """How many settings in order no badge has yet."""
    used = set(taken.values())
    return sum(not row.mac and row.id not in used for row in rows)
