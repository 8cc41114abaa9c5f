# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unpacking NARs as they arrive, never more at once than asked for."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Iterator
from typing import Any

_PIECE = 1024 * 1024
# zstandard unpacks all it is given at once: little is given, so that a hostile ratio costs tens of megabytes at most.
_ZSTD_INPUT = 1024
_LZMA_MEMORY = 256 * 1024 * 1024
_ZSTD_WINDOW = 128 * 1024 * 1024


class CorruptError(Exception):
    """The packed data are not what they should be, or end too early."""


class Unpacker:
    """Unpacks one stream of one of ``offer.COMPRESSIONS``; ModuleNotFoundError for zstd without its package."""

    def __init__(self, compression: str) -> None:
        self._compression = compression
        self._state: Any = None
        if compression == "xz":
            self._state = lzma.LZMADecompressor(memlimit=_LZMA_MEMORY)
        elif compression == "bzip2":
            self._state = bz2.BZ2Decompressor()
        elif compression == "gzip":
            self._state = zlib.decompressobj(31)
        elif compression == "zstd":
            import zstandard  # noqa: PLC0415

            self._state = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()

    def unpack(self, data: bytes) -> Iterator[bytes]:
        """What follows from more packed data, in pieces. Raises CorruptError."""
        try:
            yield from self._unpack(data)
            if self._state is not None and self._state.unused_data:
                raise CorruptError("data follow its end")
        except (lzma.LZMAError, OSError, EOFError, zlib.error, ValueError) as problem:
            raise CorruptError(f"it is not {self._compression}: {problem}") from problem
        except Exception as problem:
            if type(problem).__name__ == "ZstdError":
                raise CorruptError(f"it is not zstd: {problem}") from problem
            raise

    def _unpack(self, data: bytes) -> Iterator[bytes]:
        state = self._state
        if state is None:
            yield data
        elif self._compression == "zstd":
            for start in range(0, len(data), _ZSTD_INPUT):
                if self.finished:
                    raise CorruptError("data follow its end")
                yield state.decompress(data[start : start + _ZSTD_INPUT])
        elif self._compression == "gzip":
            while data:
                yield state.decompress(data, _PIECE)
                data = state.unconsumed_tail
        else:
            yield state.decompress(data, _PIECE)
            while not state.needs_input and not state.eof:
                yield state.decompress(b"", _PIECE)

    @property
    def finished(self) -> bool:
        """Whether the stream has ended as it should."""
        return self._state is None or bool(self._state.eof)
