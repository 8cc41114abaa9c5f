# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a badge does when it is switched on with what its flash holds now: as the ROM, ESP-IDF's bootloader and the
badge's firmware decide it, one after the other."""

from __future__ import annotations

import functools
import hashlib
import operator
from dataclasses import dataclass

from .firmware import APP, BOOTLOADER, CHECKSUM_SEED, IMAGE_HEADER, SEGMENT_HEADER, TABLE, partition_table
from .nor import NorFlash

NVS, NVS_SIZE = 0x9000, 0x3000


@dataclass(frozen=True)
class Start:
    """What starts. stops_at: what is missing or damaged, empty if the firmware runs; bootloader, app: their SHA-256;
    nvs: the content of the settings' partition."""

    stops_at: str
    bootloader: str = ""
    app: str = ""
    nvs: bytes = b""


def switch_on(flash: NorFlash) -> Start:
    """Start a badge. It does not change the flash."""
    bootloader = _program(flash, BOOTLOADER)
    if not bootloader:
        return Start("bootloader")
    table = partition_table()
    if flash.read(TABLE, len(table)) != table:
        return Start("partition table", bootloader)
    app = _program(flash, APP)
    if not app:
        return Start("app", bootloader)
    return Start("", bootloader, app, flash.read(NVS, NVS_SIZE))


def _program(flash: NorFlash, offset: int) -> str:
    """The SHA-256 at the end of the program there; empty if its header, checksum or digest is wrong."""
    header = flash.read(offset, IMAGE_HEADER.size)
    magic, segments = header[:2]
    if magic != 0xE9 or segments != 1:
        return ""
    _address, size = SEGMENT_HEADER.unpack(flash.read(offset + len(header), SEGMENT_HEADER.size))
    end = len(header) + SEGMENT_HEADER.size + size
    padded = end + 16 - end % 16
    if offset + padded > len(flash):
        return ""
    content = flash.read(offset, padded)
    payload = content[end - size : end]
    if content[-1] != functools.reduce(operator.xor, payload, CHECKSUM_SEED):
        return ""
    digest = hashlib.sha256(content).digest()
    return digest.hex() if flash.read(offset + padded, len(digest)) == digest else ""
