# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Walking a path for the layout of its NAR; in the same go, if that is wanted, its small files are read."""

from __future__ import annotations

import os
import stat
from array import array
from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import NamedTuple

from .layout import OPEN_FLAGS, RUN_SIZE, SMALL_FILE, LargeFile, Piece, Run, read_slowly
from .nar import FileContent, walk


def is_directory(root: bytes) -> bool:
    """Whether a path is a directory itself, no link to one."""
    return stat.S_ISDIR(os.lstat(root).st_mode)


def open_folder(root: bytes) -> int:
    """A descriptor from which the names of a path's layout are opened: of the path, or of the store for a file."""
    folder = root if is_directory(root) else os.path.dirname(root)  # noqa: PTH120
    return os.open(folder, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC)


class Part(NamedTuple):
    """A run, where its bytes are if it was read, and the large file that follows it, if one does."""

    run: Run
    buffer: memoryview
    large: LargeFile | None

    @property
    def pieces(self) -> list[Piece]:
        """The run and the large file."""
        return [self.run] if self.large is None else [self.run, self.large]

    @property
    def size(self) -> int:
        """Of both, in bytes."""
        return self.run.size + (self.large.size if self.large else 0)


def survey(root: bytes) -> Iterator[Piece]:
    """The pieces of a path's NAR, in order. Raises NarError or OSError as ``walk`` does."""
    for part in _parts(root, None):
        yield from part.pieces


def survey_and_read(root: bytes, buffers: Iterable[memoryview]) -> Iterator[Part]:
    """The same in parts, with the bytes of each run at the beginning of the next of ``buffers``, of which there is no
    end, each of ``BUFFER_SIZE``.

    A file is opened once, which costs less than to look at it first and to open it then.
    """
    return _parts(root, iter(buffers))


class _Reader:
    """Looks at files by opening them, and reads the one it looked at last."""

    def __init__(self, folder: int, skip: int) -> None:
        self._folder, self._skip = folder, skip
        self._descriptor = -1

    def look(self, path: bytes) -> os.stat_result:
        """Open a file; its status."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self._descriptor = os.open(path[self._skip :], OPEN_FLAGS, dir_fd=self._folder)
        return os.fstat(self._descriptor)

    def read(self, content: FileContent, view: memoryview) -> None:
        """Read that file into a view, which has one byte more. NarError if it changed."""
        # The byte more finds out a file that grew.
        if os.readv(self._descriptor, (view,)) != content.size:
            read_slowly(self._descriptor, content.path, view, wait=True)

    def close(self) -> None:
        """Close that file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _parts(root: bytes, buffers: Iterator[memoryview] | None) -> Iterator[Part]:
    skip = len(root) + 1 if is_directory(root) else len(os.path.dirname(root)) + 1  # noqa: PTH120
    folder = open_folder(root)
    reader = _Reader(folder, skip)
    # The run that grows. All in one function, as a call for each file would cost more than what it does.
    taken: Iterator[memoryview | None] = buffers or repeat(None)
    buffer = next(taken, None)
    texts, names, cuts, sizes, end = bytearray(), list[bytes](), array("I"), array("I"), 0

    def part(large: LargeFile | None) -> Part:
        return Part(Run(end, bytes(texts), cuts, sizes, b"\0".join(names)), buffer or memoryview(b""), large)

    try:
        for text, content in walk(root, reader.look if buffers else os.lstat):
            if end >= RUN_SIZE:
                yield part(None)
                buffer = next(taken, None)
                texts, names, cuts, sizes, end = bytearray(), [], array("I"), array("I"), 0
            texts += text
            start, end = end, end + len(text)
            if buffer is not None:
                buffer[start:end] = text
            if content is None:
                continue
            path, size = content
            if size > SMALL_FILE:
                reader.close()
                yield part(LargeFile(size, path[skip:]))
                buffer = next(taken, None)
                texts, names, cuts, sizes, end = bytearray(), [], array("I"), array("I"), 0
                continue
            if buffer is not None:
                reader.read(content, buffer[end : end + size + 1])
            cuts.append(len(texts))
            sizes.append(size)
            names.append(path[skip:])
            end += size
        yield part(None)
    finally:
        reader.close()
        os.close(folder)
