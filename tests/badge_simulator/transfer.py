# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing to the flash as the chip's loaders do: announced, then block after block, plain or deflated, then ended."""

from __future__ import annotations

import random
import zlib

from .commands import RefusedError, Status
from .nor import SECTOR, NorFlash


class Transfer:
    """One write to the flash.

    :param offset: where it starts.
    :param size: bytes of flash it fills.
    :param deflated: whether the blocks are parts of one zlib stream.
    :param erase_first: as the ROM does; the stub erases each sector when the first byte for it arrives.
    """

    def __init__(self, flash: NorFlash, offset: int, size: int, *, deflated: bool, erase_first: bool) -> None:
        self.flash = flash
        self.position = offset
        self.end = offset + size
        self.erased_to = offset - offset % SECTOR
        self.is_deflated = deflated
        self.inflater = zlib.decompressobj() if deflated else None
        if self.end > len(flash):
            raise RefusedError(Status.FAILED_SPI)
        if erase_first:
            self._erase(self.end)

    def add(self, block: bytes) -> range:
        """Write a block; the offsets that it filled. Raises RefusedError."""
        data = self._inflated(block) if self.inflater else block[: self.end - self.position]
        if self.position + len(data) > self.end:
            raise RefusedError(Status.TOO_MUCH_DATA)
        start, self.position = self.position, self.position + len(data)
        self._erase(self.position)
        self.flash.program(start, data)
        return range(start, self.position)

    def finish(self) -> None:
        """The host says that this was all. Raises RefusedError."""
        if self.position < self.end:
            raise RefusedError(Status.NOT_ENOUGH_DATA)

    def _inflated(self, block: bytes) -> bytes:
        assert self.inflater is not None
        try:
            data = self.inflater.decompress(block)
        except zlib.error as error:
            raise RefusedError(Status.INFLATE_ERROR) from error
        if self.inflater.unused_data:
            raise RefusedError(Status.TOO_MUCH_DATA)
        return data

    def _erase(self, to: int) -> None:
        if to > self.erased_to:
            size = -(-(to - self.erased_to) // SECTOR) * SECTOR
            self.flash.erase(self.erased_to, size)
            self.erased_to += size


def wear_out(flash: NorFlash, filled: range) -> None:
    """Let one bit among these offsets, one that is 1 now, read as 0 from now on."""
    cells = [offset for offset in filled if flash.memory[offset]]
    if cells:
        cell = random.Random(filled.start).choice(cells)
        value = flash.memory[cell]
        flash.stuck[cell] = 0xFF & ~(value & -value)
        flash.memory[cell] &= flash.stuck[cell]
