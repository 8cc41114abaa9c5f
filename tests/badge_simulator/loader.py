# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The loader of a simulated ESP32-C6: the ROM's, and the stub's once a host has uploaded one and started it."""

from __future__ import annotations

import functools
import operator
import struct
from collections.abc import Iterator

from .commands import (
    BLOCK_HEADER,
    CHECKSUM_SEED,
    HEADER,
    IN_SECURE_DOWNLOAD,
    STUB_ONLY,
    WITH_CHECKSUM,
    Command,
    RefusedError,
    Status,
)
from .nor import NorFlash
from .reading import ACKNOWLEDGEMENT, Reading
from .registers import Registers
from .speed import Speed
from .transfer import Transfer

ROM_SYNC_VALUE = 0x20120707
SYNC_REPLIES = 8
SECURE_BOOT, SECURE_DOWNLOAD = 1 << 0, 1 << 2

Action = bytes | float
"""What a badge does in answer to a command: send a packet, or be busy for seconds."""

# Bytes of the request to write that end before the word about encryption.
_WITHOUT_ENCRYPTION = 16


class Loader:
    """A loader from reset on.

    :param security: flags as GET_SECURITY_INFO tells them.
    :param crypt_count: the flash is encrypted if the number of its ones is odd.
    """

    def __init__(
        self, flash: NorFlash, registers: Registers, speed: Speed, *, chip_id: int, security: int, crypt_count: int
    ) -> None:
        self.flash, self.registers, self.speed = flash, registers, speed
        self.security_info = struct.pack("<IB7xII", security, crypt_count, chip_id, 0)
        self.is_locked = bool(security & SECURE_DOWNLOAD)
        self.is_stub = False
        self.new_baud: int | None = None
        """The rate after CHANGE_BAUDRATE."""
        self.transfer: Transfer | None = None
        self.filled = range(0)
        """What the last block filled."""
        self.late: Status | None = None
        """What went wrong with a block after it was acknowledged: the next reply tells it."""
        self.reading: Reading | None = None
        self.is_attached = False
        self.segment_left = 0
        self.uploaded = 0

    def answer(self, code: int, length: int, checksum: int, data: bytes) -> Iterator[Action]:
        """Carry a command out."""
        try:
            command = self._checked(code, length, checksum, data)
            handler = getattr(self, f"_{command.name.lower()}")
            yield from handler(command, data)
        except RefusedError as refusal:
            yield self.refusal(code, refusal.status)
        except (ValueError, struct.error):
            yield self.refusal(code, self._either(Status.FAILED, Status.FAILED_SPI))

    def _either(self, rom: Status, stub: Status) -> Status:
        return stub if self.is_stub else rom

    def _checked(self, code: int, length: int, checksum: int, data: bytes) -> Command:
        known = {command.value for command in Command if self.is_stub or command not in STUB_ONLY}
        if code not in known:
            raise RefusedError(self._either(Status.INVALID, Status.NOT_IMPLEMENTED))
        command = Command(code)
        if length != len(data):
            raise RefusedError(self._either(Status.INVALID, Status.BAD_LENGTH))
        if self.is_locked and command not in IN_SECURE_DOWNLOAD:
            raise RefusedError(Status.INVALID)
        if command in WITH_CHECKSUM and checksum != functools.reduce(operator.xor, data[BLOCK_HEADER:], CHECKSUM_SEED):
            raise RefusedError(self._either(Status.BAD_CHECKSUM_ROM, Status.BAD_CHECKSUM))
        return command

    def reply(self, code: int, value: int = 0, data: bytes = b"", status: bytes = b"") -> bytes:
        """A reply packet."""
        body = data + status.ljust(2 if self.is_stub else 4, b"\0")
        return HEADER.pack(1, code, len(body), value) + body

    def refusal(self, code: int, status: Status) -> bytes:
        """A reply packet with an error."""
        return self.reply(code, status=struct.pack(">H", status))

    def _sync(self, command: Command, _data: bytes) -> Iterator[Action]:
        for _ in range(SYNC_REPLIES):
            yield self.reply(command, 0 if self.is_stub else ROM_SYNC_VALUE)

    def _get_security_info(self, command: Command, _data: bytes) -> Iterator[Action]:
        yield self.reply(command, data=self.security_info)

    def _read_reg(self, command: Command, data: bytes) -> Iterator[Action]:
        yield self.reply(command, self.registers.read(*struct.unpack("<I", data)))

    def _write_reg(self, command: Command, data: bytes) -> Iterator[Action]:
        for address, value, mask, _delay in struct.iter_unpack("<IIII", data):
            self.registers.write(address, value, mask)
        yield self.reply(command)

    def _mem_begin(self, command: Command, data: bytes) -> Iterator[Action]:
        self.segment_left, _blocks, _block, _offset = struct.unpack("<IIII", data)
        yield self.reply(command)

    def _mem_data(self, command: Command, data: bytes) -> Iterator[Action]:
        size = len(data) - BLOCK_HEADER
        if size > self.segment_left:
            raise RefusedError(self._either(Status.FAILED, Status.TOO_MUCH_DATA))
        self.segment_left -= size
        self.uploaded += size
        yield self.reply(command)

    def _mem_end(self, command: Command, data: bytes) -> Iterator[Action]:
        _stay, entry = struct.unpack("<II", data)
        if self.segment_left or not self.uploaded:
            raise RefusedError(self._either(Status.FAILED, Status.NOT_ENOUGH_DATA))
        yield self.reply(command)
        if entry:
            self.is_stub = self.is_attached = True
            yield b"OHAI"

    def _spi_attach(self, command: Command, _data: bytes) -> Iterator[Action]:
        self.is_attached = True
        yield self.reply(command)

    def _spi_set_params(self, command: Command, data: bytes) -> Iterator[Action]:
        _identifier, size, _block, sector, _page, _mask = struct.unpack("<IIIIII", data)
        if size > len(self.flash) or sector != 0x1000:
            raise RefusedError(self._either(Status.FAILED, Status.FAILED_SPI))
        yield self.reply(command)

    def _change_baudrate(self, command: Command, data: bytes) -> Iterator[Action]:
        yield self.reply(command)
        self.new_baud, _old = struct.unpack("<II", data)

    def _flash_begin(self, command: Command, data: bytes) -> Iterator[Action]:
        self._need_flash()
        # To a stub, esptool-js says nothing of encryption.
        told = data + bytes(4) if self.is_stub and len(data) == _WITHOUT_ENCRYPTION else data
        size, _blocks, _block, offset, encrypted = struct.unpack("<IIIII", told)
        if encrypted:
            raise RefusedError(self._either(Status.FAILED, Status.FAILED_SPI))
        deflated = command is Command.FLASH_DEFL_BEGIN
        self.late = None
        self.transfer = Transfer(self.flash, offset, size, deflated=deflated, erase_first=not self.is_stub)
        yield self.reply(command)

    def _flash_data(self, command: Command, data: bytes) -> Iterator[Action]:
        self._raise_late()
        if self.transfer is None or self.transfer.is_deflated is not (command is Command.FLASH_DEFL_DATA):
            raise RefusedError(self._either(Status.FAILED, Status.NOT_IN_FLASH_MODE))
        if not self.is_stub:
            self.filled = self.transfer.add(data[BLOCK_HEADER:])
        # The stub acknowledges a block before it writes it.
        yield self.reply(command)
        if self.is_stub:
            self.write(data[BLOCK_HEADER:])
        yield len(self.filled) / self.speed.program

    def write(self, block: bytes) -> None:
        """Write a block that was acknowledged already."""
        assert self.transfer is not None
        try:
            self.filled = self.transfer.add(block)
        except RefusedError as refusal:
            self.filled, self.late = range(0), refusal.status

    def _raise_late(self) -> None:
        if self.late is not None:
            status, self.late = self.late, None
            raise RefusedError(status)

    def _flash_end(self, command: Command, data: bytes) -> Iterator[Action]:
        self._raise_late()
        (stay,) = struct.unpack("<I", data)
        if self.transfer is not None:
            self.transfer.finish()
        self.transfer = None
        yield self.reply(command)
        if not stay and self.is_stub:
            self.is_stub = False

    _flash_defl_begin, _flash_defl_data, _flash_defl_end = _flash_begin, _flash_data, _flash_end

    def _spi_flash_md5(self, command: Command, data: bytes) -> Iterator[Action]:
        self._need_flash()
        offset, size, _, _ = struct.unpack("<IIII", data)
        digest = self.flash.md5(offset, size)
        yield size / self.speed.digest
        yield self.reply(command, data=digest if self.is_stub else digest.hex().encode())

    def _erase_flash(self, command: Command, _data: bytes) -> Iterator[Action]:
        self.flash.erase(0, len(self.flash))
        yield self.reply(command)

    def _erase_region(self, command: Command, data: bytes) -> Iterator[Action]:
        self.flash.erase(*struct.unpack("<II", data))
        yield self.reply(command)

    def _read_flash(self, command: Command, data: bytes) -> Iterator[Action]:
        offset, size, block, window = struct.unpack("<IIII", data)
        self.reading = Reading(self.flash.read(offset, size), block, window)
        yield self.reply(command)
        yield from self.reading.packets(0)

    def acknowledge(self, packet: bytes) -> Iterator[Action] | None:
        """Go on with a read if the packet is an acknowledgement of one; None if it is none."""
        if self.reading is None or self.reading.is_complete or len(packet) != ACKNOWLEDGEMENT:
            return None
        return self.reading.acknowledge(packet)

    def _need_flash(self) -> None:
        if not self.is_attached:
            raise RefusedError(Status.FAILED)
