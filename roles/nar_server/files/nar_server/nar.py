# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tokens of a NAR (Nix archive), put together as they stand around names and contents.

Format: https://nix.dev/manual/nix/latest/protocols/nix-archive
"""

from __future__ import annotations

ALIGNMENT = 8
# No file name is longer: most file systems allow 255 bytes, ZFS up to these.
_LONGEST_NAME = 1023


class NarError(Exception):
    """A tree that cannot be archived, or that changed while it was."""


# What follows a string or a content, by its size modulo the alignment.
PADDING = [bytes(-size % ALIGNMENT) for size in range(ALIGNMENT)]


def padding(size: int) -> bytes:
    """What follows ``size`` bytes."""
    return PADDING[size % ALIGNMENT]


def string(data: bytes) -> bytes:
    """A string: its length, the bytes, the padding."""
    return len(data).to_bytes(8, "little") + data + padding(len(data))


def _strings(*tokens: bytes) -> bytes:
    return b"".join(string(token) for token in tokens)


MAGIC = string(b"nix-archive-1")
# Each up to the size of the content, to the target, to the first entry.
REGULAR = _strings(b"(", b"type", b"regular", b"contents")
EXECUTABLE = _strings(b"(", b"type", b"regular", b"executable", b"", b"contents")
SYMLINK = _strings(b"(", b"type", b"symlink", b"target")
DIRECTORY = _strings(b"(", b"type", b"directory")
CLOSE = string(b")")
CLOSE_ENTRY = CLOSE + CLOSE
NODE = string(b"node")
# What stands before a name of so many bytes, and after it.
_ENTRY = _strings(b"entry", b"(", b"name")
BEFORE_NAME = [_ENTRY + length.to_bytes(8, "little") for length in range(_LONGEST_NAME + 1)]
AFTER_NAME = [padding(length) + NODE for length in range(_LONGEST_NAME + 1)]
