# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The firmware of badges: which bytes belong where in the flash, read from a build or from a list, and checked."""

from __future__ import annotations

import hashlib
import itertools
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property

from .errors import FirmwareError
from .partitions import BADGE_PARTITIONS, TABLE_OFFSET, TABLE_SIZE, Partition, parse_partitions

CHIP = "ESP32-C6"
CHIP_ID = 13
FLASH_SIZE = 4 * 1024 * 1024
SECTOR = 0x1000
BOOTLOADER_OFFSET = 0x0

_IMAGE_MAGIC = 0xE9
_IMAGE_HEADER = struct.Struct("<12xHBHH")  # chip, least major revision, least and most revision as 100 * major + minor
_ANY_REVISION = 0xFFFF


class Role(IntEnum):
    """What a region is to the badge; the order is the one of writing, so that one pulled off mid-way does not start
    a new bootloader over an old or half-written program."""

    APP = 1
    NVS = 2
    DATA = 3
    PARTITION_TABLE = 4
    BOOTLOADER = 5


@dataclass(frozen=True)
class Region:
    """Bytes that belong at an offset of the flash, padded with 0xFF to whole words as they are written."""

    name: str
    offset: int
    data: bytes = field(repr=False)
    role: Role = Role.DATA

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", self.data + b"\xff" * (-len(self.data) % 4))

    @property
    def end(self) -> int:
        """The first offset after it."""
        return self.offset + len(self.data)

    @cached_property
    def md5(self) -> str:
        """MD5 of all of it, as hexadecimal digits."""
        return hashlib.md5(self.data).hexdigest()

    @property
    def revisions(self) -> tuple[int, int]:
        """The least and the most revision (100 * major + minor) of the chip that a program runs on. Source: ESP-IDF's
        API guide, "App Image Format"; a most of 0 is of an older ESP-IDF, which knew major revisions only."""
        if self.role not in (Role.APP, Role.BOOTLOADER):
            return 0, _ANY_REVISION
        _chip, major, least, most = _IMAGE_HEADER.unpack_from(self.data)
        if most == 0 or (most == _ANY_REVISION and least == 0):
            return major * 100, _ANY_REVISION
        return least, most

    def __str__(self) -> str:
        return f"{self.name} (0x{self.offset:x} to 0x{self.end:x})"


@dataclass(frozen=True)
class Firmware:
    """Checked regions in the order of writing, the partitions they live in, and a name to show."""

    name: str
    regions: tuple[Region, ...]
    partitions: tuple[Partition, ...]

    @property
    def size(self) -> int:
        """Bytes of all regions."""
        return sum(len(region.data) for region in self.regions)

    @cached_property
    def digest(self) -> str:
        """The same for equal firmware only: offsets and contents as hexadecimal SHA-256."""
        digest = hashlib.sha256()
        for region in sorted(self.regions, key=lambda region: region.offset):
            digest.update(struct.pack("<II", region.offset, len(region.data)) + region.data)
        return digest.hexdigest()

    @property
    def nvs_partition(self) -> Partition:
        """Where settings belong. Raises FirmwareError if the table has no such partition."""
        for partition in self.partitions:
            if partition.is_nvs:
                return partition
        raise FirmwareError(f'firmware "{self.name}": its partition table has no nvs partition for the settings')

    def with_nvs(self, image: bytes | None) -> tuple[Region, ...]:
        """All regions of a badge with these settings, in the order of writing. Raises FirmwareError if the image does
        not fill the nvs partition or the firmware brings settings of its own."""
        if image is None:
            return self.regions
        place = self.nvs_partition
        if len(image) != place.size:
            raise FirmwareError(
                f"settings: the image has {len(image)} bytes, the nvs partition {place.size}; build it so large"
            )
        return checked((*self.regions, Region("nvs", place.offset, image, Role.NVS)), self.partitions)


def firmware_of(name: str, pieces: Iterable[tuple[str, int, bytes]]) -> Firmware:
    """Firmware from pieces (name, offset, contents). Raises FirmwareError."""
    pieces = tuple(pieces)
    if not pieces:
        raise FirmwareError(f'firmware "{name}": it has no regions')
    tables = [data for _name, offset, data in pieces if offset == TABLE_OFFSET]
    partitions = parse_partitions(tables[0]) if tables else BADGE_PARTITIONS
    regions = (Region(label, offset, data, _role(offset, partitions)) for label, offset, data in pieces)
    return Firmware(name, checked(regions, partitions), partitions)


def _role(offset: int, partitions: Iterable[Partition]) -> Role:
    if offset == BOOTLOADER_OFFSET:
        return Role.BOOTLOADER
    if offset == TABLE_OFFSET:
        return Role.PARTITION_TABLE
    for partition in partitions:
        if partition.offset <= offset < partition.end:
            return Role.APP if partition.is_app else Role.NVS if partition.is_nvs else Role.DATA
    return Role.DATA


def checked(regions: Iterable[Region], partitions: Iterable[Partition]) -> tuple[Region, ...]:
    """The regions in the order of writing. Raises FirmwareError naming the first that is empty, not aligned to a
    sector, of another chip, too large for its place or in the way of another."""
    by_offset = sorted(regions, key=lambda region: region.offset)
    for region in by_offset:
        if not region.data:
            raise FirmwareError(f'region "{region.name}": it is empty')
        if region.offset % SECTOR:
            raise FirmwareError(
                f'region "{region.name}": its offset 0x{region.offset:x} is not a multiple of a sector, 0x{SECTOR:x}'
            )
        _check_chip(region)
        _check_place(region, tuple(partitions))
    for one, other in itertools.pairwise(by_offset):
        if one.end > other.offset:
            raise FirmwareError(f"region {one} overlaps region {other}; leave one of them out")
    return tuple(sorted(by_offset, key=lambda region: (region.role, region.offset)))


def _check_chip(region: Region) -> None:
    if region.role not in (Role.APP, Role.BOOTLOADER):
        return
    if region.data[0] != _IMAGE_MAGIC or len(region.data) < _IMAGE_HEADER.size:
        raise FirmwareError(
            f'region "{region.name}": at 0x{region.offset:x} belongs a program of the {CHIP}, and this is none'
            f" (it starts with 0x{region.data[0]:02x}, not 0x{_IMAGE_MAGIC:x})"
        )
    chip_id, *_revisions = _IMAGE_HEADER.unpack_from(region.data)
    if chip_id != CHIP_ID:
        raise FirmwareError(
            f'region "{region.name}": it was built for the chip of id {chip_id}; badges have the {CHIP} ({CHIP_ID})'
        )


def _check_place(region: Region, partitions: tuple[Partition, ...]) -> None:
    """Where the region may end at most: at the end of its partition, or where the next fixed part begins."""
    if region.offset < 0 or region.end > FLASH_SIZE:
        raise FirmwareError(f"region {region}: the badge's flash ends at 0x{FLASH_SIZE:x}")
    if region.role is Role.BOOTLOADER:
        limit, place = TABLE_OFFSET, "the partition table begins"
    elif region.role is Role.PARTITION_TABLE:
        limit, place = TABLE_OFFSET + TABLE_SIZE, "the partition table must end"
    else:
        for partition in partitions:
            if partition.offset <= region.offset < partition.end:
                limit, place = partition.end, f'partition "{partition.name}" ends'
                if region.role is Role.APP and region.offset != partition.offset:
                    raise FirmwareError(
                        f'region {region}: a program starts where its partition "{partition.name}" does,'
                        f" at 0x{partition.offset:x}"
                    )
                break
        else:
            raise FirmwareError(f"region {region}: it lies in no partition of the firmware's table")
    if region.end > limit:
        raise FirmwareError(f"region {region}: it is {region.end - limit} bytes too large; at 0x{limit:x} {place}")
