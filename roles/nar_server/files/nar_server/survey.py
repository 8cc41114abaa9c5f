# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A path's first time: its files read as the walk finds them, and noted down for its layout."""

from __future__ import annotations

import os
import stat
from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from . import nar
from .layout import INLINE_FILE, OPEN_FLAGS, RUN_SIZE, SMALL_FILE, LargeFile, Piece, Run, path_of, read_slowly
from .walk import open_folder, unfit, walk

# When the texts of a path are as long, its other tiny files are read like small ones.
_MOST_HELD = 32 * 2**20


class Part(NamedTuple):
    """A run, where its bytes are, and the large file that follows it, if one does."""

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


class _Growing:
    """A run that grows: texts and files are added to it, and lie in its buffer."""

    __slots__ = ("buffer", "cuts", "inline", "names", "size", "sizes", "texts")

    def __init__(self, buffer: memoryview, inline: int) -> None:
        """``inline``: files up to this size become text."""
        self.buffer = buffer
        self.inline = inline
        self.texts = bytearray()
        self.cuts, self.sizes = array("I"), array("I")
        self.names: list[bytes] = []
        self.size = 0

    def add(self, text: bytes) -> None:
        """Add a text."""
        start = self.size
        self.size = end = start + len(text)
        self.buffer[start:end] = text
        self.texts += text

    def add_file(self, text: bytes, name: bytes, folder: int) -> int:
        """Add a text and a regular file: all that stands before its content, and that of a small one; its size.

        It is opened once, which costs less than to look at it first and to open it then. Raises NarError when it is no
        regular file, or changes meanwhile.
        """
        descriptor = os.open(name, OPEN_FLAGS, dir_fd=folder)
        try:
            status = os.fstat(descriptor)
            mode, size = status.st_mode, status.st_size
            if not stat.S_ISREG(mode):
                raise unfit(path_of(descriptor))
            text += (nar.EXECUTABLE if mode & stat.S_IXUSR else nar.REGULAR) + size.to_bytes(8, "little")
            buffer, start = self.buffer, self.size
            content = start + len(text)
            buffer[start:content] = text
            self.texts += text
            if size > SMALL_FILE:
                self.size = content
                return size
            self.size = end = content + size
            # The byte more finds out a file that grew.
            view = buffer[content : end + 1]
            if os.readv(descriptor, (view,)) != size:
                read_slowly(descriptor, view, wait=True)
        finally:
            os.close(descriptor)
        if size <= self.inline:
            self.texts += view[:size]
        else:
            self.cuts.append(len(self.texts))
            self.sizes.append(size)
            self.names.append(name)
        return size

    def part(self, large: LargeFile | None = None) -> Part:
        """It as it is now, and the large file that follows."""
        run = Run(self.size, bytes(self.texts), self.cuts, self.sizes, b"\0".join(self.names))
        return Part(run, self.buffer, large)


def _growing(buffers: Iterable[memoryview]) -> Iterator[_Growing]:
    """The runs of a path, one after the other. A path of very many tiny files does not hold them all."""
    held = 0
    for buffer in buffers:
        run = _Growing(buffer, INLINE_FILE if held < _MOST_HELD else -1)
        yield run
        held += len(run.texts)


def survey(root: bytes, buffers: Iterable[memoryview]) -> Iterator[Part]:
    """The parts of a path's NAR, in order, the bytes of each run at the beginning of the next of ``buffers``.

    Of these there is no end, and each has ``BUFFER_SIZE`` bytes. Raises NarError for what no NAR can hold (sockets,
    fifos, devices) and for a file that changes meanwhile, OSError when something cannot be read.
    """
    folder = open_folder(root)
    try:
        yield from _survey(root, folder, _growing(buffers).__next__)
    finally:
        os.close(folder)


def _survey(root: bytes, folder: int, begin: Callable[[], _Growing]) -> Iterator[Part]:
    run = begin()
    padding = b""
    for batch in walk(root):
        for text, name in zip(batch.texts, batch.names, strict=True):
            if run.size >= RUN_SIZE:
                yield run.part()
                run = begin()
            size = run.add_file(padding + text, name, folder)
            padding = nar.padding(size)
            if size > SMALL_FILE:
                yield run.part(LargeFile(size, name))
                run = begin()
        if run.size >= RUN_SIZE:
            yield run.part()
            run = begin()
        run.add(padding + batch.tail)
        padding = b""
    yield run.part()
