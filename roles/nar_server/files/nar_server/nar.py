# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The NAR (Nix archive) of a file tree, as it is on disk, in pieces.

Format: https://nix.dev/manual/nix/latest/protocols/nix-archive
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import NamedTuple

_ALIGNMENT = 8


class NarError(Exception):
    """A tree that cannot be archived, or that changed while it was."""


class FileContent(NamedTuple):
    """The content of a regular file: ``size`` bytes, without the padding that follows."""

    path: bytes
    size: int


_PADDINGS = [bytes(-size % _ALIGNMENT) for size in range(_ALIGNMENT)]


def _padding(size: int) -> bytes:
    return _PADDINGS[size % _ALIGNMENT]


def _string(data: bytes) -> bytes:
    size = len(data)
    return size.to_bytes(8, "little") + data + _PADDINGS[size % _ALIGNMENT]


def _strings(*tokens: bytes) -> bytes:
    return b"".join(_string(token) for token in tokens)


_MAGIC = _string(b"nix-archive-1")
_REGULAR = _strings(b"(", b"type", b"regular", b"contents")
_EXECUTABLE = _strings(b"(", b"type", b"regular", b"executable", b"", b"contents")
_SYMLINK = _strings(b"(", b"type", b"symlink", b"target")
_DIRECTORY = _strings(b"(", b"type", b"directory")
_ENTRY = _strings(b"entry", b"(", b"name")
_NODE = _string(b"node")
_CLOSE = _string(b")")
_CLOSE_ENTRY = _CLOSE + _CLOSE
# Texts of so many bytes are handed out, though no file follows.
_LONG_TEXT = 32 * 1024

Look = Callable[[bytes], os.stat_result]


def walk(root: bytes, look: Look = os.lstat) -> Iterator[tuple[bytes, FileContent | None]]:
    """The NAR of the tree at ``root``, in order: literal bytes, and the file whose content follows them, if one does.

    ``look`` gives the status of each regular file right before it is due. Raises NarError for what no NAR can hold
    (sockets, fifos, devices), OSError when something cannot be read.
    """
    status = os.lstat(root)
    text = _MAGIC
    # The rest of each directory that is open, the last entry first; None closes it.
    pending: list[os.DirEntry[bytes] | None] = []
    if stat.S_ISDIR(status.st_mode):
        text += _DIRECTORY
        pending = _entries(root)
    elif stat.S_ISREG(status.st_mode):
        head, content = _regular(root, look)
        yield text + head, content
        text = _padding(content.size)
    elif stat.S_ISLNK(status.st_mode):
        text += _SYMLINK + _string(os.readlink(root))  # noqa: PTH115
    else:
        raise _unfit(root)
    while pending:
        entry = pending.pop()
        if entry is None:
            text += _CLOSE_ENTRY
            continue
        text += _ENTRY + _string(entry.name) + _NODE
        if entry.is_file(follow_symlinks=False):
            head, content = _regular(entry.path, look)
            yield text + head, content
            text = _padding(content.size) + _CLOSE_ENTRY
            continue
        if entry.is_dir(follow_symlinks=False):
            text += _DIRECTORY
            pending.append(None)
            pending += _entries(entry.path)
        elif entry.is_symlink():
            text += _SYMLINK + _string(os.readlink(entry.path)) + _CLOSE_ENTRY  # noqa: PTH115
        else:
            raise _unfit(entry.path)
        if len(text) >= _LONG_TEXT:
            yield text, None
            text = b""
    yield text + _CLOSE, None


def _entries(folder: bytes) -> list[os.DirEntry[bytes] | None]:
    with os.scandir(folder) as found:
        return sorted(found, key=attrgetter("name"), reverse=True)


def _regular(path: bytes, look: Look) -> tuple[bytes, FileContent]:
    """What stands before the content of a regular file, and the content."""
    status = look(path)
    if not stat.S_ISREG(status.st_mode):
        raise _unfit(path)
    head = _EXECUTABLE if status.st_mode & stat.S_IXUSR else _REGULAR
    return head + status.st_size.to_bytes(8, "little"), FileContent(path, status.st_size)


def _unfit(path: bytes) -> NarError:
    return NarError(f"{os.fsdecode(path)} is neither a file, a directory nor a symbolic link")
