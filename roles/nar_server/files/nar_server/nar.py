# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The NAR (Nix archive) of a file tree, as it is on disk, in pieces.

Format: https://nix.dev/manual/nix/latest/protocols/nix-archive
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

# Files up to this size are read and joined with what stands around them; larger ones are sent by themselves.
SMALL_FILE = 128 * 1024
BATCH_SIZE = 512 * 1024
_ALIGNMENT = 8


class NarError(Exception):
    """A tree that cannot be archived, or that changed while it was."""


@dataclass(frozen=True, slots=True)
class FileContent:
    """The content of a regular file: ``size`` bytes, without the padding that follows."""

    path: bytes
    size: int


Piece = bytes | FileContent


def piece_size(piece: Piece) -> int:
    """How many bytes of the NAR a piece stands for."""
    return piece.size if isinstance(piece, FileContent) else len(piece)


def _padding(size: int) -> bytes:
    return bytes(-size % _ALIGNMENT)


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(8, "little") + data + _padding(len(data))


def _strings(*tokens: bytes) -> bytes:
    return b"".join(_string(token) for token in tokens)


_MAGIC = _string(b"nix-archive-1")
_REGULAR = _strings(b"(", b"type", b"regular")
_EXECUTABLE = _strings(b"executable", b"")
_CONTENTS = _string(b"contents")
_SYMLINK = _strings(b"(", b"type", b"symlink", b"target")
_DIRECTORY = _strings(b"(", b"type", b"directory")
_ENTRY = _strings(b"entry", b"(", b"name")
_NODE = _string(b"node")
_CLOSE = _string(b")")


def walk(root: bytes) -> Iterator[Piece]:
    """The NAR of the tree at ``root``: literal bytes and the contents of files, in order.

    Raises NarError for what no NAR can hold (sockets, fifos, devices), OSError when something cannot be read.
    """
    yield _MAGIC
    # The rest of each directory that is open: paths of entries, the last first; None closes it.
    pending: list[bytes | None] = [root]
    while pending:
        path = pending.pop()
        if path is None:
            yield _CLOSE
            if pending:
                yield _CLOSE
            continue
        nested = path is not root
        if nested:
            yield _ENTRY + _string(path.rpartition(b"/")[2]) + _NODE
        status = os.lstat(path)
        if stat.S_ISDIR(status.st_mode):
            yield _DIRECTORY
            pending.append(None)
            pending.extend(path + b"/" + name for name in sorted(os.listdir(path), reverse=True))  # noqa: PTH208
            continue
        if stat.S_ISREG(status.st_mode):
            executable = _EXECUTABLE if status.st_mode & stat.S_IXUSR else b""
            yield _REGULAR + executable + _CONTENTS + status.st_size.to_bytes(8, "little")
            yield FileContent(path, status.st_size)
            yield _padding(status.st_size)
        elif stat.S_ISLNK(status.st_mode):
            yield _SYMLINK + _string(os.readlink(path))  # noqa: PTH115
        else:
            raise NarError(f"{os.fsdecode(path)} is neither a file, a directory nor a symbolic link")
        yield _CLOSE + (_CLOSE if nested else b"")


def open_file(content: FileContent) -> int:
    """A descriptor of the file, for the caller to close; NarError when it is no longer what was seen."""
    # Without O_NONBLOCK, opening a fifo that has taken the file's place would wait for ever.
    descriptor = os.open(content.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size != content.size:
        os.close(descriptor)
        raise NarError(f"{os.fsdecode(content.path)} changed while it was read")
    return descriptor


def read_file(content: FileContent) -> bytes:
    """The file's bytes, exactly as many as were seen; NarError otherwise."""
    descriptor = open_file(content)
    try:
        data = os.read(descriptor, content.size)
        while len(data) < content.size and (more := os.read(descriptor, content.size - len(data))):
            data += more
    finally:
        os.close(descriptor)
    if len(data) != content.size:
        raise NarError(f"{os.fsdecode(content.path)} became shorter while it was read")
    return data


def batches(root: bytes) -> Iterator[Piece]:
    """The NAR in pieces worth sending: buffers of about ``BATCH_SIZE``, and large files by themselves."""
    buffer = bytearray()
    for piece in walk(root):
        if isinstance(piece, bytes):
            buffer += piece
        elif piece.size <= SMALL_FILE:
            buffer += read_file(piece)
        else:
            yield bytes(buffer)
            buffer.clear()
            yield piece
        if len(buffer) >= BATCH_SIZE:
            yield bytes(buffer)
            buffer.clear()
    if buffer:
        yield bytes(buffer)
