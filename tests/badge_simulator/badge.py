# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated badge: an ESP32-C6 with a MAC, its flash, and whatever is wrong with it."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from .commands import BLOCK_HEADER, HEADER, Command, Status
from .faults import Fault, Kind, Trouble
from .loader import SECURE_BOOT, SECURE_DOWNLOAD, Action, Loader
from .nor import NorFlash
from .registers import Registers
from .speed import INSTANT, Speed
from .transfer import wear_out

ESP32_C6 = 13


class UnpluggedError(Exception):
    """The badge is pulled off now. returns_after: seconds, None for never."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.returns_after = fault.returns_after


class Badge:
    """One badge.

    :param mac: as aa:bb:cc:dd:ee:ff.
    :param flash: its flash, by default 4 MB as delivered.
    :param trouble: what is wrong with it.
    """

    def __init__(
        self,
        mac: str = "60:55:f9:00:00:01",
        *,
        flash: NorFlash | None = None,
        trouble: Trouble | None = None,
        speed: Speed = INSTANT,
    ) -> None:
        self.mac = mac
        self.flash = flash or NorFlash()
        self.trouble = trouble or Trouble()
        self.speed = speed
        self.commands = 0
        """How many commands it was ever sent."""
        self.decay: Kind | None = None
        """What happens to the next write."""
        self.tells_wrong_md5 = False
        """Whether the next MD5 is told wrongly."""
        self.registers = Registers(
            bytes.fromhex(mac.replace(":", "")), (0, 1), self.trouble.secure_boot, len(self.flash)
        )
        self.reset()

    def reset(self) -> None:
        """Start the ROM's loader."""
        trouble = self.trouble
        security = SECURE_BOOT * trouble.secure_boot | SECURE_DOWNLOAD * trouble.secure_download
        self.loader = Loader(
            self.flash,
            self.registers,
            self.speed,
            chip_id=trouble.chip_id or ESP32_C6,
            security=security,
            crypt_count=int(trouble.flash_encryption),
        )

    def receive(self, packet: bytes) -> Iterator[Action]:
        """Carry a packet out. Raises UnpluggedError where a fault says so."""
        if (actions := self.loader.acknowledge(packet)) is not None:
            yield from actions
            return
        if len(packet) < HEADER.size:
            return
        self.commands += 1
        _direction, code, length, checksum = HEADER.unpack_from(packet)
        data = packet[HEADER.size :]
        faults = {fault.kind: fault for fault in self.trouble.faults if fault.at == self.commands}
        if Kind.UNPLUG in faults:
            self._stop_half_way(code, data)
            raise UnpluggedError(faults[Kind.UNPLUG])
        if Kind.NACK in faults:
            yield self.loader.refusal(code, Status.FAILED_SPI if self.loader.is_stub else Status.FAILED)
            return
        self.decay = next((kind for kind in (Kind.STUCK, Kind.BIT_ROT) if kind in faults), self.decay)
        self.tells_wrong_md5 |= Kind.WRONG_MD5 in faults
        if self.tells_wrong_md5 and code == Command.SPI_FLASH_MD5:
            self.tells_wrong_md5 = False
            data = data[:4] + struct.pack("<I", 1) + data[8:]
        for action in self.loader.answer(code, length, checksum, data):
            if Kind.DROP not in faults or isinstance(action, float):
                yield action
        if code in (Command.FLASH_DATA, Command.FLASH_DEFL_DATA):
            self._decay()

    def _stop_half_way(self, code: int, data: bytes) -> None:
        """A badge that is pulled off while it gets a block may have written a part of it."""
        if self.loader.transfer is not None and code in (Command.FLASH_DATA, Command.FLASH_DEFL_DATA):
            block = data[BLOCK_HEADER:]
            self.loader.write(block[: len(block) // 2])

    def _decay(self) -> None:
        filled = self.loader.filled
        if self.decay is None or not filled:
            return
        if self.decay is Kind.STUCK:
            wear_out(self.flash, filled)
        else:
            self.flash.flip(filled[len(filled) // 2])
        self.decay = None
