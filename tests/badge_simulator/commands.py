# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands of Espressif's serial protocol that a simulated badge knows: esptool's manual, "Serial Protocol"."""

from __future__ import annotations

import struct
from enum import IntEnum

HEADER = struct.Struct("<BBHI")
"""Of a request: 0, command, length of the data, checksum; of a reply: 1, command, length, value."""
BLOCK_HEADER = 16
"""Bytes before the payload of a block: its length, its number, two zeros."""
CHECKSUM_SEED = 0xEF


class Command(IntEnum):
    """Codes of the commands."""

    FLASH_BEGIN = 0x02
    FLASH_DATA = 0x03
    FLASH_END = 0x04
    MEM_BEGIN = 0x05
    MEM_END = 0x06
    MEM_DATA = 0x07
    SYNC = 0x08
    WRITE_REG = 0x09
    READ_REG = 0x0A
    SPI_SET_PARAMS = 0x0B
    SPI_ATTACH = 0x0D
    CHANGE_BAUDRATE = 0x0F
    FLASH_DEFL_BEGIN = 0x10
    FLASH_DEFL_DATA = 0x11
    FLASH_DEFL_END = 0x12
    SPI_FLASH_MD5 = 0x13
    GET_SECURITY_INFO = 0x14
    ERASE_FLASH = 0xD0
    ERASE_REGION = 0xD1
    READ_FLASH = 0xD2


STUB_ONLY = frozenset({Command.ERASE_FLASH, Command.ERASE_REGION, Command.READ_FLASH})
WITH_CHECKSUM = frozenset({Command.FLASH_DATA, Command.FLASH_DEFL_DATA, Command.MEM_DATA})
IN_SECURE_DOWNLOAD = frozenset(
    {
        Command.SYNC,
        Command.GET_SECURITY_INFO,
        Command.SPI_ATTACH,
        Command.SPI_SET_PARAMS,
        Command.FLASH_BEGIN,
        Command.FLASH_DATA,
        Command.FLASH_END,
        Command.CHANGE_BAUDRATE,
    }
)
"""All that a chip in secure download mode takes."""


class Status(IntEnum):
    """Errors of the loaders, as two bytes: the ROM's, from 0x0100 on, and the stub's, from 0xC000 on."""

    INVALID = 0x0105
    FAILED = 0x0106
    BAD_CHECKSUM_ROM = 0x0107
    BAD_LENGTH = 0xC000
    BAD_CHECKSUM = 0xC100
    FAILED_SPI = 0xC400
    NOT_IN_FLASH_MODE = 0xC600
    INFLATE_ERROR = 0xC700
    NOT_ENOUGH_DATA = 0xC800
    TOO_MUCH_DATA = 0xC900
    NOT_IMPLEMENTED = 0xFF00


class RefusedError(Exception):
    """A command is answered with this status."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.name)
        self.status = status
