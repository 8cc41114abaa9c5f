# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a badge needs: what differs from what it should hold, and in which order it is written."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from . import nvs, stored
from .image import Region, Role
from .settings import NAMESPACE


@dataclass(frozen=True)
class Reading:
    """What was found on a badge: the offsets of the regions that are equal byte for byte, and the content of the nvs
    partition, empty if it was not read."""

    equal: frozenset[int]
    nvs: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Plan:
    """What is written and what stays, both in the order of writing.

    settings: how the settings change, a line for each key; before, after: the lines of a diff. None has a secret.
    """

    write: tuple[Region, ...]
    keep: tuple[Region, ...]
    settings: tuple[str, ...] = ()
    before: str = ""
    after: str = ""

    @property
    def size(self) -> int:
        """Bytes to write."""
        return sum(len(region.data) for region in self.write)


def make_plan(regions: Iterable[Region], reading: Reading, begun: Container[str] = ()) -> Plan:
    """The plan for these regions (in the order of writing) on a badge that holds what was read.

    The settings are compared by the keys of their namespace, not by bytes: the Wi-Fi driver writes to the same
    partition, so after its first start a badge's partition never equals what was flashed. Those that this run has
    begun to write (named by begun) have to be there byte for byte.
    """
    write: list[Region] = []
    keep: list[Region] = []
    settings: tuple[str, ...] = ()
    before = after = ""
    for region in regions:
        by_keys = region.role is Role.NVS and region.name not in begun
        if region.offset in reading.equal or (by_keys and _has_settings(region.data, reading.nvs)):
            keep.append(region)
            continue
        write.append(region)
        if region.role is Role.NVS:
            # Without its digest, by which a passphrase could be guessed.
            settings = tuple(stored.differences(reading.nvs, nvs.read_entries(region.data)))
            before += f"{region}: other settings\n{stored.lines(reading.nvs)}"
            after += f"{region}: these settings\n{stored.lines(region.data, reading.nvs)}"
        else:
            before += f"{region}: other content\n"
            after += f"{region}: MD5 {region.md5}\n"
    return Plan(tuple(write), tuple(keep), settings, before, after)


def _has_settings(wanted: bytes, found: bytes) -> bool:
    """Whether the settings of one image are those of another. One without settings of ours is somebody's own: it has to
    be there byte for byte."""
    entries = nvs.read_entries(wanted)
    return any(entry.namespace == NAMESPACE for entry in entries) and not stored.differences(found, entries)
