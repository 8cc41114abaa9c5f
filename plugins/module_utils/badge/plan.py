# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a badge needs: what differs from what it should hold, and in which order it is written."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .image import Region, Role
from .nvs import Type, read_entries

NAMESPACE = "config"
SHOWN_KEYS = frozenset(
    {
        "boot_mesh",
        "cache_p2p",
        "cache_use_https",
        "cache_priority",
        "cache_store",
        "cache_upstream",
        "cache_cert",
        "router_ssid",
    }
)
"""The settings whose values may be shown; of every other only that it differs."""
SHOWN_LENGTH = 64
ABSENT = "(absent)"
SECRET = "(secret)"

_USER_OF_URL = re.compile(r"(?<=//)[^/@]*@")

Settings = Mapping[str, tuple[Type, int | str]]


@dataclass(frozen=True)
class Reading:
    """What was found on a badge: the offsets of the regions that are equal byte for byte, and the content of the nvs
    partition, None if it was not read."""

    equal: frozenset[int]
    nvs: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Change:
    """A setting that changes, as it may be shown."""

    key: str
    before: str
    after: str


@dataclass(frozen=True)
class Plan:
    """What is written and what stays, both in the order of writing, and how the settings change."""

    write: tuple[Region, ...]
    keep: tuple[Region, ...]
    settings: tuple[Change, ...]

    @property
    def size(self) -> int:
        """Bytes to write."""
        return sum(len(region.data) for region in self.write)


def make_plan(regions: Iterable[Region], reading: Reading) -> Plan:
    """The plan for these regions (in the order of writing) on a badge that holds what was read.

    The settings are compared by the keys of their namespace, not by bytes: the Wi-Fi driver writes to the same
    partition, so after its first start a badge's partition never equals what was flashed.
    """
    write: list[Region] = []
    keep: list[Region] = []
    settings: tuple[Change, ...] = ()
    for region in regions:
        same = region.offset in reading.equal
        if region.role is Role.NVS and not same:
            found = settings_of(reading.nvs or b"")
            wanted = settings_of(region.data)
            settings = changes(found, wanted)
            # An image without settings of ours is somebody's own: it has to be there byte for byte.
            same = bool(wanted) and found == wanted
        (keep if same else write).append(region)
    return Plan(tuple(write), tuple(keep), settings)


def settings_of(image: bytes) -> Settings:
    """The settings in the content of an nvs partition, with their types: the firmware does not find a key that has
    another type than it asks for."""
    return {entry.key: (entry.type, entry.value) for entry in read_entries(image) if entry.namespace == NAMESPACE}


def changes(before: Settings, after: Settings) -> tuple[Change, ...]:
    """The settings that differ, by key."""
    return tuple(
        Change(key, *_shown(key, before.get(key), after.get(key)))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    )


def _shown(key: str, *values: tuple[Type, int | str] | None) -> list[str]:
    if key not in SHOWN_KEYS:
        return [ABSENT if value is None else SECRET for value in values]
    texts = [ABSENT if value is None else _text(value[1]) for value in values]
    if len(set(texts)) == 1:
        texts = [
            text if value is None else f"{text} as {value[0].name}" for text, value in zip(texts, values, strict=True)
        ]
    return texts


def _text(value: int | str) -> str:
    text = _USER_OF_URL.sub(f"{SECRET}@", str(value))
    if len(text) <= SHOWN_LENGTH:
        return text
    return f"{len(text)} characters, SHA-256 {hashlib.sha256(text.encode()).hexdigest()[:16]}"
