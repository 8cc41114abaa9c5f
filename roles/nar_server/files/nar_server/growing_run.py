# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that is being found out: the text between files, and the files, are added to it one after the other."""

from __future__ import annotations

import os
import stat
from array import array
from collections.abc import Iterator
from itertools import accumulate
from operator import add, sub
from time import monotonic

from . import nar
from .folders import CurrentFolder, unfit
from .layout import OPEN_FLAGS, RUN_SIZE, SMALL_FILE, LargeFile, Run, path_of, read_slowly

# What stands before the size of a file, by what of its mode a NAR knows.
_KINDS = {stat.S_IFREG: nar.REGULAR, stat.S_IFREG | stat.S_IXUSR: nar.EXECUTABLE}
_KIND_BITS = stat.S_IFMT(0xFFFF) | stat.S_IXUSR
_ALIGNMENT_MASK = nar.ALIGNMENT - 1


class GrowingRun:
    """Texts and files, which lie in its buffer as they do in the NAR."""

    __slots__ = ("buffer", "folder", "inline", "names", "size", "sizes", "starts")

    def __init__(self, buffer: memoryview, inline: int) -> None:
        """``inline``: files up to this size become text."""
        self.buffer = buffer
        self.inline = inline
        # Of files that do not become text: where in the buffer their contents are, and their names as a run has them.
        self.starts: list[int] = []
        self.sizes: list[int] = []
        self.names: list[bytes] = []
        self.folder = b""
        self.size = 0

    @property
    def text_size(self) -> int:
        """Bytes of its texts."""
        return self.size - sum(self.sizes)

    def add(self, text: bytes) -> None:
        """Add a text."""
        start = self.size
        self.size = end = start + len(text)
        self.buffer[start:end] = text

    def add_files(
        self,
        text: bytes,
        after_file: list[bytes],
        files: Iterator[tuple[bytes, bytes]],
        current: CurrentFolder,
        until: float,
    ) -> tuple[bytes, LargeFile | None]:
        """Add a text and regular files of one directory, until there are no more, it is full, or the time is ``until``.

        ``files``: of each its name and the text before its kind; at least one is taken, if there is one.
        ``after_file``: the texts after one, by its size modulo the alignment. ``current``: where they are. Each is
        opened once, which costs less than to look at it first and to open it then. Returns the text after the last one,
        which is not yet added, and that one if it is large: of it, all that stands before its content is. Raises
        NarError when one is no regular file, or changes meanwhile.
        """
        # A closure has a hundred thousand of them: what is used for each is in local variables.
        folder, buffer, inline = current.descriptor, self.buffer, self.inline
        open_, fstat, readv, close = os.open, os.fstat, os.readv, os.close
        end = self.size
        for name, before in files:
            descriptor = open_(name, OPEN_FLAGS, dir_fd=folder)
            try:
                status = fstat(descriptor)
                size = status.st_size
                kind = _KINDS.get(status.st_mode & _KIND_BITS)
                if kind is None:
                    raise unfit(path_of(descriptor))
                text = b"".join((text, before, kind, size.to_bytes(8, "little")))
                content = end + len(text)
                buffer[end:content] = text
                text = after_file[size & _ALIGNMENT_MASK]
                if size > SMALL_FILE:
                    self.size = content
                    return text, LargeFile(size, b"%b/%b" % (current.path, name) if current.path else name)
                end = content + size
                # The byte more finds out a file that grew.
                view = buffer[content : end + 1]
                if readv(descriptor, (view,)) != size:
                    read_slowly(descriptor, view, wait=True)
            finally:
                close(descriptor)
            if size > inline:
                if current.path is not self.folder:
                    self.folder = current.path
                    self.names.append(b"/" + self.folder)
                self.starts.append(content)
                self.sizes.append(size)
                self.names.append(name)
            if end >= RUN_SIZE or monotonic() >= until:
                break
        self.size = end
        return text, None

    def run(self) -> Run:
        """It as it is now."""
        starts, sizes = self.starts, self.sizes
        ends = [0, *map(add, starts, sizes)]
        texts = b"".join([self.buffer[end:start] for end, start in zip(ends, [*starts, self.size], strict=True)])
        cuts = map(sub, starts, accumulate(sizes, initial=0))
        return Run(self.size, texts, array("I", cuts), array("I", sizes), b"\0".join(self.names))
