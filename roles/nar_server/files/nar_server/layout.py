# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The layout of a path's NAR: which bytes are where, so that an immutable path is walked once.

A layout is a row of pieces: runs of small files with the text between them, and large files. What it holds of a file
is its name and size; its bytes are read anew each time, and checked to be as many as there were.
"""

from __future__ import annotations

import os
import stat
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from .nar import NarError

# Files up to this size are read and joined with what stands around them; larger ones are sent by themselves.
SMALL_FILE = 128 * 1024
RUN_SIZE = 512 * 1024
# No run is longer: one may exceed RUN_SIZE by a file and its name. The last byte finds out files that grew.
BUFFER_SIZE = RUN_SIZE + SMALL_FILE + 64 * 1024
# What Python itself needs for a piece and its parts, about.
_PIECE_COST = 500

# Without O_NONBLOCK, opening a fifo that has taken a file's place would wait for ever.
OPEN_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def changed(name: bytes) -> NarError:
    """A file is not as it was."""
    return NarError(f"{os.fsdecode(name)} changed since it was looked at")


@dataclass(frozen=True, slots=True)
class Run:
    """Small files and the text around them: ``texts``, cut at ``cuts``; a file of ``sizes`` bytes after each cut."""

    size: int
    texts: bytes
    cuts: array[int]
    sizes: array[int]
    names: bytes

    @property
    def cost(self) -> int:
        """Bytes of memory it takes, about."""
        return len(self.texts) + len(self.names) + 8 * len(self.sizes) + _PIECE_COST

    def read(self, folder: int, view: memoryview, *, wait: bool) -> None:
        """Read it to the beginning of ``view``, which has one byte more at least; ``folder``: where names begin.

        Without ``wait``, BlockingIOError when a file is not in memory, EOPNOTSUPP where the file system cannot tell.
        NarError or another OSError when a file is not as it was.
        """
        open_, read, close, texts = os.open, os.preadv, os.close, self.texts
        flags = 0 if wait else os.RWF_NOWAIT
        position = start = 0
        if self.sizes:
            for name, cut, size in zip(self.names.split(b"\0"), self.cuts, self.sizes, strict=True):
                end = position + cut - start
                view[position:end] = texts[start:cut]
                start, position = cut, end + size
                descriptor = open_(name, OPEN_FLAGS, dir_fd=folder)
                try:
                    # One byte more than there should be: a file that grew is found out.
                    if read(descriptor, (view[end : position + 1],), 0, flags) != size:
                        read_slowly(descriptor, name, view[end : position + 1], wait)
                finally:
                    close(descriptor)
        view[position : position + len(texts) - start] = texts[start:]


def read_slowly(descriptor: int, name: bytes, view: memoryview, wait: bool) -> None:
    """Read a file that did not come in one piece; the last byte of the view must stay unread."""
    count = 0
    while more := os.preadv(descriptor, (view[count:],), count, 0 if wait else os.RWF_NOWAIT):
        count += more
        if count == len(view):
            break
    if count != len(view) - 1 or not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise changed(name)


@dataclass(frozen=True, slots=True)
class LargeFile:
    """A file sent by itself."""

    size: int
    name: bytes

    @property
    def cost(self) -> int:
        """Bytes of memory it takes, about."""
        return len(self.name) + _PIECE_COST

    def open(self, folder: int) -> int:
        """A descriptor of the file, for the caller to close; NarError when it is no longer what was seen."""
        descriptor = os.open(self.name, OPEN_FLAGS, dir_fd=folder)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size != self.size:
            os.close(descriptor)
            raise changed(self.name)
        return descriptor


Piece = Run | LargeFile


class Layout:
    """All pieces of a NAR, and where each begins."""

    def __init__(self, pieces: list[Piece]) -> None:
        self.pieces = pieces
        self._starts = []
        position = 0
        for piece in pieces:
            self._starts.append(position)
            position += piece.size
        self.size = position
        self.cost = sum(piece.cost for piece in pieces)

    def within(self, first: int, last: int) -> Iterator[tuple[Piece, int, int]]:
        """The pieces that hold bytes from ``first`` to before ``last``, each with the part of it that is meant."""
        for index in range(bisect_right(self._starts, first) - 1, len(self.pieces)):
            start, piece = self._starts[index], self.pieces[index]
            if start >= last:
                return
            if piece.size:
                yield piece, max(first - start, 0), min(last - start, piece.size)


class LayoutIndex:
    """The layouts used last, up to ``limit`` bytes of memory in all."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._cost = 0
        self._layouts: OrderedDict[tuple[bytes, bytes], Layout] = OrderedDict()

    def get(self, root: bytes, nar_hash: bytes) -> Layout | None:
        """The layout of a path; None when it is not kept."""
        layout = self._layouts.get((root, nar_hash))
        if layout is not None:
            self._layouts.move_to_end((root, nar_hash))
        return layout

    def put(self, root: bytes, nar_hash: bytes, layout: Layout) -> None:
        """Keep a layout, and let go of others for it."""
        self.drop(root, nar_hash)
        if layout.cost > self._limit:
            return
        self._layouts[root, nar_hash] = layout
        self._cost += layout.cost
        while self._cost > self._limit:
            _key, oldest = self._layouts.popitem(last=False)
            self._cost -= oldest.cost

    def drop(self, root: bytes, nar_hash: bytes) -> None:
        """Forget a layout that turned out wrong."""
        layout = self._layouts.pop((root, nar_hash), None)
        if layout is not None:
            self._cost -= layout.cost
