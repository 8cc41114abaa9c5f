# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Walking a path for the layout of its NAR, with the bytes of its small files read in the same go."""

from __future__ import annotations

import os
import stat
from array import array
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import NamedTuple

from . import nar
from .layout import INLINE_FILE, OPEN_FLAGS, RUN_SIZE, SMALL_FILE, LargeFile, Piece, Run, path_of, read_slowly

# Texts of so many bytes join their run, though no file follows.
_LONG_TEXT = 32 * 1024
# When the texts of a path are as long, its other tiny files are read like small ones.
_MOST_HELD = 32 * 2**20


def is_directory(root: bytes) -> bool:
    """Whether a path is a directory itself, no link to one."""
    return stat.S_ISDIR(os.lstat(root).st_mode)


def open_folder(root: bytes) -> int:
    """A descriptor from which the names of a path's layout are opened: of the path, or of the store for a file."""
    folder = root if is_directory(root) else os.path.dirname(root)  # noqa: PTH120
    return os.open(folder, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC)


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

    def read(self, descriptor: int, size: int, name: bytes) -> None:
        """Add an open file of ``size`` bytes. Raises NarError when it has another number of them by now."""
        start = self.size
        self.size = end = start + size
        # The byte more finds out a file that grew.
        view = self.buffer[start : end + 1]
        if os.readv(descriptor, (view,)) != size:
            read_slowly(descriptor, view, wait=True)
        if size <= self.inline:
            self.texts += view[:size]
            return
        self.cuts.append(len(self.texts))
        self.sizes.append(size)
        self.names.append(name)

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
    begin = _growing(buffers).__next__
    mode = os.lstat(root).st_mode
    folder = open_folder(root)
    try:
        if stat.S_ISDIR(mode):
            yield from _survey_directory(root, folder, begin)
        elif stat.S_ISREG(mode):
            yield from _survey_file(root, folder, begin)
        elif stat.S_ISLNK(mode):
            run = begin()
            run.add(nar.MAGIC + nar.SYMLINK + nar.string(os.readlink(root)) + nar.CLOSE)  # noqa: PTH115
            yield run.part()
        else:
            raise _unfit(root)
    finally:
        os.close(folder)


def _survey_file(root: bytes, folder: int, begin: Callable[[], _Growing]) -> Iterator[Part]:
    run, name = begin(), os.path.basename(root)  # noqa: PTH119
    size = _add_file(run, nar.MAGIC, name, folder)
    if size > SMALL_FILE:
        yield run.part(LargeFile(size, name))
        run = begin()
    run.add(nar.padding(size) + nar.CLOSE)
    yield run.part()


def _survey_directory(root: bytes, folder: int, begin: Callable[[], _Growing]) -> Iterator[Part]:
    run = begin()
    below = len(root) + 1
    text = nar.MAGIC + nar.DIRECTORY
    # The rest of each directory that is open, the last entry first; None closes it.
    pending = _entries(root)
    while pending:
        if len(text) >= _LONG_TEXT:
            run.add(text)
            text = b""
        if run.size >= RUN_SIZE:
            yield run.part()
            run = begin()
        entry = pending.pop()
        if entry is None:
            text += nar.CLOSE_ENTRY
            continue
        length = len(entry.name)
        text += nar.BEFORE_NAME[length] + entry.name + nar.AFTER_NAME[length]
        if entry.is_file(follow_symlinks=False):
            name = entry.path[below:]
            size = _add_file(run, text, name, folder)
            if size > SMALL_FILE:
                yield run.part(LargeFile(size, name))
                run = begin()
            text = nar.AFTER_CONTENT[size % nar.ALIGNMENT]
        elif entry.is_dir(follow_symlinks=False):
            text += nar.DIRECTORY
            pending.append(None)
            pending += _entries(entry.path)
        elif entry.is_symlink():
            text += nar.SYMLINK + nar.string(os.readlink(entry.path)) + nar.CLOSE_ENTRY  # noqa: PTH115
        else:
            raise _unfit(entry.path)
    run.add(text + nar.CLOSE)
    yield run.part()


def _entries(folder: bytes) -> list[os.DirEntry[bytes] | None]:
    with os.scandir(folder) as found:
        return sorted(found, key=attrgetter("name"), reverse=True)


def _add_file(run: _Growing, text: bytes, name: bytes, folder: int) -> int:
    """Add a text and a regular file: all that stands before its content, and that of a small one; its size.

    It is opened once, which costs less than to look at it first and to open it then.
    """
    descriptor = os.open(name, OPEN_FLAGS, dir_fd=folder)
    try:
        status = os.fstat(descriptor)
        mode, size = status.st_mode, status.st_size
        if not stat.S_ISREG(mode):
            raise _unfit(path_of(descriptor))
        run.add(text + (nar.EXECUTABLE if mode & stat.S_IXUSR else nar.REGULAR) + size.to_bytes(8, "little"))
        if size <= SMALL_FILE:
            run.read(descriptor, size, name)
    finally:
        os.close(descriptor)
    return size


def _unfit(path: bytes) -> nar.NarError:
    return nar.NarError(f"{os.fsdecode(path)} is neither a file, a directory nor a symbolic link")
