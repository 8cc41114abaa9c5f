# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Buffers that runs of small files are read into."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from .layout import BUFFER_SIZE


class Buffers:
    """Buffers of ``BUFFER_SIZE``, used again: new ones would cost a page fault for every 4 KiB.

    ``plenty``: as many may be held by those who wait for their clients; when more are, one reads again what the client
    did not take at once.
    """

    def __init__(self, plenty: int, keep: int = 16) -> None:
        self._plenty = plenty
        self._keep = keep
        self._lent = 0
        self._free: list[memoryview] = []

    @property
    def scarce(self) -> bool:
        """Whether so many are lent that none should be held."""
        return self._lent > self._plenty

    @contextlib.contextmanager
    def lend(self) -> Iterator[memoryview]:
        """A buffer. It is not used again when something fails: a thread may still be reading into it."""
        buffer = self._free.pop() if self._free else memoryview(bytearray(BUFFER_SIZE))
        self._lent += 1
        try:
            yield buffer
            if len(self._free) < self._keep:
                self._free.append(buffer)
        finally:
            self._lent -= 1
