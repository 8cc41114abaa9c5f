# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The listing of a store path (``.ls``): its files, and where each stands in the NAR.

Format: Nix's src/libutil/nar-listing.cc. It is text as it comes, so that a tree of any size or depth costs no memory.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass


def _token(length: int) -> int:
    """The bytes a string of this length takes in a NAR: its length, itself, and padding to eight."""
    return 8 + length + -length % 8


def _tokens(*strings: str) -> int:
    return sum(_token(len(string)) for string in strings)


_MAGIC = _tokens("nix-archive-1")
_REGULAR = _tokens("(", "type", "regular")
_EXECUTABLE = _tokens("executable", "")
_CONTENTS = _tokens("contents") + 8
_SYMLINK = _tokens("(", "type", "symlink", "target")
_DIRECTORY = _tokens("(", "type", "directory")
_ENTRY = _tokens("entry", "(", "name")
_NODE = _tokens("node")
_CLOSE = _tokens(")")


def _text(data: bytes) -> str:
    """As JSON; what is not UTF-8 cannot be told in it and becomes U+FFFD."""
    return json.dumps(data.decode("utf-8", "replace"))


@dataclass(slots=True)
class _Writer:
    """Writes nodes and keeps count of the place in the NAR."""

    offset: int = _MAGIC

    def node(self, path: bytes) -> tuple[str, list[bytes] | None]:
        """A node's JSON, and for a directory the names in it: then the JSON is only its beginning.

        Raises OSError when it cannot be read, ValueError for what no NAR can hold.
        """
        status = os.lstat(path)
        if stat.S_ISDIR(status.st_mode):
            self.offset += _DIRECTORY
            return '{"entries":{', sorted(os.listdir(path))  # noqa: PTH208
        if stat.S_ISLNK(status.st_mode):
            target = os.readlink(path)  # noqa: PTH115
            self.offset += _SYMLINK + _token(len(target)) + _CLOSE
            return f'{{"target":{_text(target)},"type":"symlink"}}', None
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(f"{os.fsdecode(path)} is neither a file, a directory nor a symbolic link")
        executable = bool(status.st_mode & stat.S_IXUSR)
        self.offset += _REGULAR + (_EXECUTABLE if executable else 0) + _CONTENTS
        begin = '{"executable":true,' if executable else "{"
        node = f'{begin}"narOffset":{self.offset},"size":{status.st_size},"type":"regular"}}'
        self.offset += status.st_size + -status.st_size % 8 + _CLOSE
        return node, None


def listing(root: bytes) -> Iterator[str]:
    """The listing's text in pieces. Raises OSError or ValueError where the tree cannot be read."""
    writer = _Writer()
    text, names = writer.node(root)
    yield '{"root":' + text
    # The directories that are open: their path, and the names still to come.
    pending = [] if names is None else [(root, iter(names))]
    separator = ""
    while pending:
        directory, rest = pending[-1]
        name = next(rest, None)
        if name is None:
            pending.pop()
            writer.offset += _CLOSE
            text = '},"type":"directory"}'
        else:
            writer.offset += _ENTRY + _token(len(name)) + _NODE
            node, names = writer.node(directory + b"/" + name)
            text = f"{separator}{_text(name)}:{node}"
            if names is not None:
                pending.append((directory + b"/" + name, iter(names)))
                yield text
                separator = ""
                continue
        if pending:
            # An entry's node is followed by the entry's own end.
            writer.offset += _CLOSE
        separator = ","
        yield text
    yield ',"version":1}'
