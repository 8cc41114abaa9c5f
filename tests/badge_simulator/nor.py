# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""NOR flash: erasing sets whole sectors to ones, programming only clears bits. A missing erase shows."""

from __future__ import annotations

import hashlib

SECTOR = 0x1000


class NorFlash:
    """A flash chip, as delivered: all ones, unless content is given.

    :param size: bytes.
    :param content: what it holds from the start on.
    """

    def __init__(self, size: int = 4 * 1024 * 1024, content: bytes = b"") -> None:
        self.memory = bytearray(content.ljust(size, b"\xff"))
        self.stuck: dict[int, int] = {}
        """Offsets of worn cells, and which of their bits read as 1: the others read as 0 whatever is done."""
        self.programmed_bytes = 0
        self.erased_sectors = 0

    def __len__(self) -> int:
        return len(self.memory)

    def program(self, offset: int, data: bytes) -> None:
        """Clear the bits that are 0 in data. Raises ValueError beyond the end."""
        self._check(offset, len(data))
        before = int.from_bytes(self.memory[offset : offset + len(data)], "little")
        after = before & int.from_bytes(data, "little")
        self.memory[offset : offset + len(data)] = after.to_bytes(len(data), "little")
        self.programmed_bytes += len(data)
        self._wear(offset, len(data))

    def erase(self, offset: int, size: int) -> None:
        """Set whole sectors to ones. Raises ValueError where a sector is met in part only."""
        if offset % SECTOR or size % SECTOR:
            raise ValueError(f"erase 0x{size:x} bytes at 0x{offset:x}: not whole sectors")
        self._check(offset, size)
        self.memory[offset : offset + size] = b"\xff" * size
        self.erased_sectors += size // SECTOR
        self._wear(offset, size)

    def read(self, offset: int, size: int) -> bytes:
        """So many bytes. Raises ValueError beyond the end."""
        self._check(offset, size)
        return bytes(self.memory[offset : offset + size])

    def md5(self, offset: int, size: int) -> bytes:
        """The MD5 of so many bytes."""
        return hashlib.md5(self.read(offset, size)).digest()

    def flip(self, offset: int) -> None:
        """Let the lowest bit of a byte rot."""
        self.memory[offset] ^= 1

    def _check(self, offset: int, size: int) -> None:
        if offset < 0 or size < 0 or offset + size > len(self.memory):
            raise ValueError(f"0x{size:x} bytes at 0x{offset:x}: the flash ends at 0x{len(self.memory):x}")

    def _wear(self, offset: int, size: int) -> None:
        for cell, mask in self.stuck.items():
            if offset <= cell < offset + size:
                self.memory[cell] &= mask
