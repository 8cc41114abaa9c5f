# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that is being found out: the text between files, and the files, are added to it one after the other."""

from __future__ import annotations

import os
import stat
from array import array

from . import nar
from .folders import CurrentFolder, unfit
from .layout import OPEN_FLAGS, SMALL_FILE, Run, path_of, read_slowly

# What stands before the size of a file, by what of its mode a NAR knows.
_KINDS = {stat.S_IFREG: nar.REGULAR, stat.S_IFREG | stat.S_IXUSR: nar.EXECUTABLE}
_KIND_BITS = stat.S_IFMT(0xFFFF) | stat.S_IXUSR


class GrowingRun:
    """Texts and files, which lie in its buffer as they do in the NAR."""

    __slots__ = ("buffer", "cuts", "folder", "inline", "names", "size", "sizes", "texts")

    def __init__(self, buffer: memoryview, inline: int) -> None:
        """``inline``: files up to this size become text."""
        self.buffer = buffer
        self.inline = inline
        self.texts = bytearray()
        self.cuts, self.sizes = array("I"), array("I")
        self.names: list[bytes] = []
        self.folder = b""
        self.size = 0

    def add(self, text: bytes) -> None:
        """Add a text."""
        start = self.size
        self.size = end = start + len(text)
        self.buffer[start:end] = text
        self.texts += text

    def add_file(self, text: bytes, name: bytes, current: CurrentFolder) -> int:
        """Add a text and a regular file: all that stands before its content, and that of a small one; its size.

        ``current``: where it is. It is opened once, which costs less than to look at it first and to open it then.
        Raises NarError when it is no regular file, or changes meanwhile.
        """
        descriptor = os.open(name, OPEN_FLAGS, dir_fd=current.descriptor)
        try:
            status = os.fstat(descriptor)
            size = status.st_size
            kind = _KINDS.get(status.st_mode & _KIND_BITS)
            if kind is None:
                raise unfit(path_of(descriptor))
            text += kind + size.to_bytes(8, "little")
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
            if current.path is not self.folder:
                self.folder = current.path
                self.names.append(b"/" + self.folder)
            self.names.append(name)
        return size

    def run(self) -> Run:
        """It as it is now."""
        return Run(self.size, bytes(self.texts), self.cuts, self.sizes, b"\0".join(self.names))
