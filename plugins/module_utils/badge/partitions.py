# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ESP-IDF's partition table: which parts of the flash the firmware expects where.

Format: ESP-IDF's API guide, "Partition Tables": entries of 32 bytes, each from 0xAA50 on, then one with their
MD5.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from .errors import FirmwareError

TABLE_OFFSET = 0x8000
TABLE_SIZE = 0xC00
APP_TYPE, DATA_TYPE = 0x00, 0x01
NVS_SUBTYPE = 0x02

_ENTRY = struct.Struct("<2sBBII16sI")
_MAGIC = b"\xaa\x50"
_MD5_MAGIC = b"\xeb\xeb" + b"\xff" * 14
_END = b"\xff" * _ENTRY.size


@dataclass(frozen=True)
class Partition:
    """One partition: name, ESP-IDF's type and subtype, offset and size in bytes."""

    name: str
    type: int
    subtype: int
    offset: int
    size: int

    @property
    def end(self) -> int:
        """The first offset after it."""
        return self.offset + self.size

    @property
    def is_app(self) -> bool:
        """Whether it holds a program."""
        return self.type == APP_TYPE

    @property
    def is_nvs(self) -> bool:
        """Whether it holds settings (non-volatile storage)."""
        return (self.type, self.subtype) == (DATA_TYPE, NVS_SUBTYPE)


BADGE_PARTITIONS = (
    Partition("nvs", DATA_TYPE, NVS_SUBTYPE, 0x9000, 0x3000),
    Partition("phy_init", DATA_TYPE, 0x01, 0xF000, 0x1000),
    Partition("factory", APP_TYPE, 0x00, 0x10000, 3600 * 1024),
)
"""The badge's own layout, for firmware without a partition table."""


def parse_partitions(table: bytes) -> tuple[Partition, ...]:
    """The partitions of a binary partition table. Raises FirmwareError if it is damaged or ends early."""
    partitions = []
    for position in range(0, min(len(table), TABLE_SIZE) - _ENTRY.size + 1, _ENTRY.size):
        entry = table[position : position + _ENTRY.size]
        if entry == _END:
            break
        if entry.startswith(_MD5_MAGIC):
            if entry[16:] != hashlib.md5(table[:position]).digest():
                raise FirmwareError("partition table: its MD5 does not match; build the firmware again")
            continue
        magic, kind, subtype, offset, size, name, _flags = _ENTRY.unpack(entry)
        if magic != _MAGIC:
            raise FirmwareError(
                f"partition table: entry {position // _ENTRY.size} starts with {magic.hex()}, not {_MAGIC.hex()};"
                " name the binary table (partition-table.bin), not the CSV"
            )
        text = name.rstrip(b"\0").decode("utf-8", "replace")
        partitions.append(Partition(text, kind, subtype, offset, size))
    if not partitions:
        raise FirmwareError("partition table: it is empty; build the firmware again")
    return tuple(partitions)
