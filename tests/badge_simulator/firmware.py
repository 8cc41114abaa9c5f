# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Firmware for simulated badges: small, random, and valid as ESP-IDF's images are. Formats: ESP-IDF's API guide, "App
Image Format" and "Partition Tables"."""

from __future__ import annotations

import functools
import hashlib
import json
import operator
import random
import struct
from pathlib import Path

from .badge import ESP32_C6

PARTITIONS = (
    ("nvs", 1, 2, 0x9000, 0x3000),
    ("phy_init", 1, 1, 0xF000, 0x1000),
    ("factory", 0, 0, 0x10000, 3600 * 1024),
)
BOOTLOADER, TABLE, APP = 0x0, 0x8000, 0x10000
CHECKSUM_SEED = 0xEF
IMAGE_HEADER = struct.Struct("<BBBBIB3sHBHHIB")
SEGMENT_HEADER = struct.Struct("<II")


def image(size: int, seed: int, chip_id: int = ESP32_C6, revisions: tuple[int, int] = (0, 99)) -> bytes:
    """A program of about so many bytes, for these revisions (100 * major + minor): header, one segment, checksum,
    SHA-256. Half of it is random."""
    source = random.Random(seed)
    payload = source.randbytes(max(size // 2, 4)).ljust(max(size, 8) // 4 * 4, b"\x13")
    header = IMAGE_HEADER.pack(0xE9, 1, 0x02, 0x20, 0x40800000, 0xEE, b"\0\0\0", chip_id, 0, *revisions, 0, 1)
    body = header + SEGMENT_HEADER.pack(0x40800000, len(payload)) + payload
    checksum = functools.reduce(operator.xor, payload, CHECKSUM_SEED)
    body += bytes(15 - len(body) % 16) + bytes([checksum])
    return body + hashlib.sha256(body).digest()


def partition_table() -> bytes:
    """The badge's partition table."""
    table = b"".join(
        struct.pack("<2sBBII16sI", b"\xaa\x50", kind, subtype, offset, size, name.encode(), 0)
        for name, kind, subtype, offset, size in PARTITIONS
    )
    table += b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(table).digest()
    return table.ljust(0xC00, b"\xff")


def pieces(app_size: int = 60_000, seed: int = 1) -> dict[int, bytes]:
    """A firmware by offsets: bootloader, partition table, program."""
    return {BOOTLOADER: image(21_000, seed + 1000), TABLE: partition_table(), APP: image(app_size, seed)}


def write_build(folder: Path, app_size: int = 60_000, seed: int = 1) -> Path:
    """The same as a build folder with the flasher_args.json that ESP-IDF writes; returns the folder."""
    names = {
        BOOTLOADER: ("bootloader", "bootloader/bootloader.bin"),
        TABLE: ("partition-table", "partition_table/partition-table.bin"),
        APP: ("app", "nixbadge.bin"),
    }
    arguments: dict[str, object] = {
        "write_flash_args": ["--flash_mode", "dio", "--flash_size", "4MB", "--flash_freq", "80m"],
        "flash_settings": {"flash_mode": "dio", "flash_size": "4MB", "flash_freq": "80m"},
        "flash_files": {f"0x{offset:x}": path for offset, (_part, path) in names.items()},
        "extra_esptool_args": {"after": "hard_reset", "before": "default_reset", "stub": True, "chip": "esp32c6"},
    }
    for offset, data in pieces(app_size, seed).items():
        part, path = names[offset]
        arguments[part] = {"offset": f"0x{offset:x}", "file": path, "encrypted": "false"}
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    (folder / "flasher_args.json").write_text(json.dumps(arguments, indent=4), encoding="utf-8")
    return folder
