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
from dataclasses import dataclass
from operator import attrgetter

_ALIGNMENT = 8


class NarError(Exception):
    """A tree that cannot be archived, or that changed while it was."""


@dataclass(frozen=True, slots=True)
class FileContent:
    """The content of a regular file: ``size`` bytes, without the padding that follows."""

    path: bytes
    size: int


def _padding(size: int) -> bytes:
    return bytes(-size % _ALIGNMENT)


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(8, "little") + data + _padding(len(data))


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

Look = Callable[[bytes], os.stat_result]


def walk(root: bytes, look: Look = os.lstat) -> Iterator[bytes | FileContent]:
    """The NAR of the tree at ``root``: literal bytes and the contents of files, in order.

    ``look`` gives the status of each regular file right before it is due. Raises NarError for what no NAR can hold
    (sockets, fifos, devices), OSError when something cannot be read.
    """
    status = os.lstat(root)
    if not stat.S_ISDIR(status.st_mode):
        kinds = stat.S_ISREG(status.st_mode), stat.S_ISLNK(status.st_mode)
        yield from _leaf(_MAGIC, root, kinds, look, _CLOSE)
        return
    yield _MAGIC + _DIRECTORY
    # The rest of each directory that is open, the last entry first; None closes it.
    pending: list[os.DirEntry[bytes] | None] = [None, *_entries(root)]
    while pending:
        entry = pending.pop()
        if entry is None:
            yield _CLOSE + _CLOSE if pending else _CLOSE
            continue
        before = _ENTRY + _string(entry.name) + _NODE
        if entry.is_dir(follow_symlinks=False):
            yield before + _DIRECTORY
            pending.append(None)
            pending += _entries(entry.path)
        else:
            kinds = entry.is_file(follow_symlinks=False), entry.is_symlink()
            yield from _leaf(before, entry.path, kinds, look, _CLOSE + _CLOSE)


def _entries(folder: bytes) -> list[os.DirEntry[bytes]]:
    with os.scandir(folder) as found:
        return sorted(found, key=attrgetter("name"), reverse=True)


def _leaf(
    before: bytes, path: bytes, kinds: tuple[bool, bool], look: Look, after: bytes
) -> Iterator[bytes | FileContent]:
    """A file or a symbolic link (``kinds``: which of them), with what stands before and after it."""
    is_file, is_link = kinds
    if is_link:
        yield before + _SYMLINK + _string(os.readlink(path)) + after  # noqa: PTH115
        return
    status = look(path) if is_file else None
    if status is None or not stat.S_ISREG(status.st_mode):
        raise NarError(f"{os.fsdecode(path)} is neither a file, a directory nor a symbolic link")
    head = _EXECUTABLE if status.st_mode & stat.S_IXUSR else _REGULAR
    yield before + head + status.st_size.to_bytes(8, "little")
    yield FileContent(path, status.st_size)
    yield _padding(status.st_size) + after
