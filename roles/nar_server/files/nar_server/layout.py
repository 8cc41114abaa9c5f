# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The layout of a path's NAR: which bytes are where, so that an immutable path is walked once.

A layout is a row of pieces: runs of small files with the text between them, and large files. What it holds of a file
is its name and size; its bytes are read anew each time, and checked to be as many as there were. Only tiny files are
held themselves, since opening one costs more than its bytes do.
"""

from __future__ import annotations

import contextlib
import os
import stat
from array import array
from bisect import bisect_right
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from .folders import CurrentFolder
from .nar import NarError

# Files up to this size are read and joined with what stands around them; larger ones are sent by themselves.
SMALL_FILE = 128 * 1024
# Files up to this size are held: about two fifths of a closure's files, and a fortieth of its bytes.
INLINE_FILE = 1536
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


# Runs are told apart by what they are, not by what they hold.
@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Small files and the text around them: ``texts``, cut at ``cuts``; a file of ``sizes`` bytes after each cut.

    ``names``: of the files, each with NUL before the next. One that begins with ``/`` is of the directory that those
    after it are in, seen from the path; the first ones are in the path itself, or are it.
    """

    size: int
    texts: bytes
    cuts: array[int]
    sizes: array[int]
    names: bytes

    @property
    def cost(self) -> int:
        """Bytes of memory it takes, about."""
        return len(self.texts) + len(self.names) + 8 * len(self.sizes) + _PIECE_COST

    def _open(self, folder: int) -> Generator[int, None, None]:
        """Descriptors of its files, for the caller to close."""
        with contextlib.closing(CurrentFolder(folder)) as current:
            for name in self.names.split(b"\0") if self.sizes else ():
                if name.startswith(b"/"):
                    current.change(name[1:])
                else:
                    yield os.open(name, OPEN_FLAGS, dir_fd=current.descriptor)

    def open_each(self, folder: int) -> Generator[int, None, None]:
        """Descriptors of its files, each closed when the next one is asked for. ``folder``: where names begin."""
        with contextlib.closing(self._open(folder)) as opened:
            for descriptor in opened:
                try:
                    yield descriptor
                finally:
                    os.close(descriptor)

    def open_all(self, folder: int) -> array[int]:
        """Descriptors of its files, for the caller to close; of none when one cannot be opened."""
        descriptors = array("i")
        try:
            descriptors.extend(self._open(folder))
        except BaseException:
            close_all(descriptors)
            raise
        return descriptors

    def read(self, descriptors: Iterable[int], view: memoryview, *, wait: bool) -> None:
        """Read it to the beginning of ``view``, which has one byte more at least, from its open files.

        Without ``wait``, BlockingIOError when a file is not in memory, EOPNOTSUPP where the file system cannot tell.
        NarError or another OSError when a file is not as it was.
        """
        read, texts = os.preadv, self.texts
        flags = 0 if wait else os.RWF_NOWAIT
        position = start = 0
        for descriptor, cut, size in zip(descriptors, self.cuts, self.sizes, strict=True):
            end = position + cut - start
            view[position:end] = texts[start:cut]
            start, position = cut, end + size
            # One byte more than there should be: a file that grew is found out.
            if read(descriptor, (view[end : position + 1],), 0, flags) != size:
                read_slowly(descriptor, view[end : position + 1], wait)
        view[position : position + len(texts) - start] = texts[start:]


def close_all(descriptors: Iterable[int]) -> None:
    """Close them."""
    for descriptor in descriptors:
        os.close(descriptor)


def path_of(descriptor: int) -> bytes:
    """Where an open file is, or was (proc(5))."""
    return os.readlink(b"/proc/self/fd/%d" % descriptor)  # noqa: PTH115


def read_slowly(descriptor: int, view: memoryview, wait: bool) -> None:
    """Read a file that did not come in one piece; the last byte of the view must stay unread."""
    count = 0
    while more := os.preadv(descriptor, (view[count:],), count, 0 if wait else os.RWF_NOWAIT):
        count += more
        if count == len(view):
            break
    if count != len(view) - 1 or not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise changed(path_of(descriptor))


class LargeFile(NamedTuple):
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


# Tells a path from one that took its place (nix-store --repair-path): device, inode, time of its change.
Identity = tuple[int, int, int]


def identity(root: bytes) -> Identity:
    """Of what is at a path now."""
    status = os.lstat(root)
    return status.st_dev, status.st_ino, status.st_ctime_ns


class Layout:
    """All pieces of a NAR, and where each begins. ``found``: what was at the path before it was surveyed."""

    def __init__(self, found: Identity, pieces: list[Piece]) -> None:
        self.identity = found
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
