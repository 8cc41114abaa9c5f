# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Walking a path for the layout of its NAR; in the same go, if that is wanted, its small files are read."""

from __future__ import annotations

import os
import stat
from array import array
from collections.abc import Iterator

from .layout import OPEN_FLAGS, RUN_SIZE, SMALL_FILE, LargeFile, Piece, Run, read_slowly
from .nar import FileContent, walk


def is_directory(root: bytes) -> bool:
    """Whether a path is a directory itself, no link to one."""
    return stat.S_ISDIR(os.lstat(root).st_mode)


def open_folder(root: bytes) -> int:
    """A descriptor from which the names of a path's layout are opened: of the path, or of the store for a file."""
    folder = root if is_directory(root) else os.path.dirname(root)  # noqa: PTH120
    return os.open(folder, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC)


def survey(root: bytes) -> Iterator[Piece]:
    """The pieces of a path's NAR, in order. Raises NarError or OSError as ``walk`` does."""
    return _pieces(root, None)


def survey_and_read(root: bytes, buffer: memoryview) -> Iterator[Piece]:
    """The same, with the bytes of each run at the beginning of ``buffer`` (of ``BUFFER_SIZE``) when it is yielded.

    A file is opened once, which costs less than to look at it first and to open it then.
    """
    return _pieces(root, buffer)


class _Reader:
    """Looks at files by opening them, and reads the one it looked at last."""

    def __init__(self, folder: int, skip: int) -> None:
        self._folder, self._skip = folder, skip
        self._descriptor = -1

    def look(self, path: bytes) -> os.stat_result:
        """Open a file; its status."""
        self.close()
        self._descriptor = os.open(path[self._skip :], OPEN_FLAGS, dir_fd=self._folder)
        return os.fstat(self._descriptor)

    def read(self, content: FileContent, view: memoryview) -> None:
        """Read that file to the beginning of ``view``, which has one byte more at least. NarError if it changed."""
        view = view[: content.size + 1]
        # One byte more than there should be: a file that grew is found out.
        if os.readv(self._descriptor, (view,)) != content.size:
            read_slowly(self._descriptor, content.path, view, wait=True)

    def close(self) -> None:
        """Close that file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _pieces(root: bytes, buffer: memoryview | None) -> Iterator[Piece]:
    skip = len(root) + 1 if is_directory(root) else len(os.path.dirname(root)) + 1  # noqa: PTH120
    folder = open_folder(root)
    reader = _Reader(folder, skip)
    texts, names = bytearray(), list[bytes]()
    cuts, sizes, size = array("I"), array("I"), 0

    def run() -> Run:
        return Run(size + len(texts), bytes(texts), cuts, sizes, b"\0".join(names))

    try:
        for piece in walk(root, os.lstat if buffer is None else reader.look):
            large = isinstance(piece, FileContent) and piece.size > SMALL_FILE
            position = size + len(texts)
            if large or position >= RUN_SIZE:
                yield run()
                texts, names = bytearray(), []
                cuts, sizes, size, position = array("I"), array("I"), 0, 0
            if isinstance(piece, bytes):
                if buffer is not None:
                    buffer[position : position + len(piece)] = piece
                texts += piece
            elif large:
                reader.close()
                yield LargeFile(piece.size, piece.path[skip:])
            else:
                if buffer is not None:
                    reader.read(piece, buffer[position:])
                cuts.append(len(texts))
                sizes.append(piece.size)
                names.append(piece.path[skip:])
                size += piece.size
        yield run()
    finally:
        reader.close()
        os.close(folder)
