# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packs: a NAR without its large files, in one file that the kernel can send.

A pack is the NAR's small files and texts in their order, then its segments as JSON, then the length of that and a magic
number. With it, nothing of a path has to be walked, and only its large files are opened.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import struct
from bisect import bisect_right
from collections.abc import Iterator
from itertools import repeat
from operator import attrgetter
from typing import NamedTuple

from .folders import open_folder
from .layout import BUFFER_SIZE, LargeFile
from .nar import NarError
from .survey import survey

_TAIL = struct.Struct("<Q8s")
_MAGIC = b"NARPACK1"
_MOST_INDEX = 64 * 2**20
_READ = 2**20


class PackError(Exception):
    """A file that is not a whole pack."""


class OtherSizeError(PackError):
    """A pack of a NAR that has another size than it should."""


class PackTooLargeError(PackError):
    """A pack that would take more than it may."""


class Segment(NamedTuple):
    """``size`` bytes of a NAR from ``start``: those of the pack from ``offset``, or the large file ``name``.

    The name is below the path. That of the path itself, when it is a file, is empty: paths of the same content have the
    same pack, and other names.
    """

    start: int
    size: int
    offset: int
    name: bytes | None


def _merge(segments: list[Segment], size: int, offset: int) -> None:
    """Add ``size`` bytes of the pack from ``offset`` to the segments."""
    last = segments[-1] if segments else None
    if last is not None and last.name is None:
        segments[-1] = Segment(last.start, last.size + size, last.offset, None)
        return
    start = last.start + last.size if last else 0
    segments.append(Segment(start, size, offset, None))


def write_pack(root: bytes, nar_hash: bytes, target: int, limit: int) -> int:
    """Write the pack of the path at ``root`` to a descriptor; its size in bytes.

    Raises NarError when the NAR's SHA-256 is another than ``nar_hash``: what is in a pack has been checked. Raises
    PackTooLargeError when it would have more than ``limit`` bytes, OSError when the path cannot be read or the disk is
    full.
    """
    written = 0
    digest = hashlib.sha256()
    segments: list[Segment] = []
    buffer = memoryview(bytearray(BUFFER_SIZE))
    folder = open_folder(root)
    is_file = stat.S_ISREG(os.lstat(root).st_mode)
    try:
        for part in survey(root, repeat(buffer)):
            data = part.buffer[: part.run.size]
            digest.update(data)
            _write_all(target, data)
            _merge(segments, part.run.size, written)
            written += part.run.size
            if written > limit:
                raise PackTooLargeError(f"its small files have more than the {limit} bytes there is room for")
            if part.large is not None:
                start = segments[-1].start + segments[-1].size
                segments.append(Segment(start, part.large.size, 0, b"" if is_file else part.large.name))
                _hash_file(part.large, folder, digest)
    finally:
        os.close(folder)
    if digest.digest() != nar_hash:
        raise NarError(f"{os.fsdecode(root)} is not what Nix registered: its NAR has another hash")
    index = json.dumps([(s.size, None if s.name is None else s.name.hex()) for s in segments]).encode()
    if len(index) > _MOST_INDEX or written + len(index) + _TAIL.size > limit:
        raise PackTooLargeError(f"with the names of its large files it takes more than {min(limit, _MOST_INDEX)} bytes")
    _write_all(target, index + _TAIL.pack(len(index), _MAGIC))
    return os.fstat(target).st_size


def _hash_file(file: LargeFile, folder: int, digest: hashlib._Hash) -> None:
    descriptor = file.open(folder)
    with open(descriptor, "rb", buffering=0) as opened:  # noqa: PTH123
        rest = file.size
        while rest and (data := opened.read(min(_READ, rest))):
            digest.update(data)
            rest -= len(data)


def _write_all(target: int, data: bytes | memoryview) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(target, rest) :]


_start = attrgetter("start")


class Pack:
    """An open pack."""

    def __init__(self, descriptor: int, size: int, segments: list[Segment] | None = None) -> None:
        """Takes the descriptor over; ``segments``, if they were read before.

        Raises PackError unless it is a whole pack, OtherSizeError unless it is of a NAR of ``size`` bytes, or OSError.
        """
        self.descriptor = descriptor
        try:
            self.segments = _read_segments(descriptor) if segments is None else segments
            if segments is None and sum(segment.size for segment in self.segments) != size:
                raise OtherSizeError("the pack is of a NAR of another size")
        except BaseException:
            os.close(descriptor)
            raise

    def within(self, first: int, last: int) -> Iterator[tuple[Segment, int, int]]:
        """The segments that hold bytes from ``first`` to before ``last``, each with the part of it that is meant."""
        for index in range(bisect_right(self.segments, first, key=_start) - 1, len(self.segments)):
            segment = self.segments[index]
            start = segment.start
            if start >= last:
                return
            if segment.size:
                yield segment, max(first - start, 0), min(last - start, segment.size)

    def close(self) -> None:
        """Close it."""
        os.close(self.descriptor)


def _read_segments(descriptor: int) -> list[Segment]:
    total = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, _TAIL.size, max(0, total - _TAIL.size))
    if len(tail) != _TAIL.size:
        raise PackError("the pack has no end")
    length, magic = _TAIL.unpack(tail)
    begin = total - _TAIL.size - length
    if magic != _MAGIC or begin < 0 or length > _MOST_INDEX:
        raise PackError("the pack has no end")
    segments = []
    start = offset = 0
    try:
        for size, name in json.loads(os.pread(descriptor, length, begin)):
            segments.append(Segment(start, size, offset, None if name is None else bytes.fromhex(name)))
            start += size
            offset += size if name is None else 0
    except (ValueError, TypeError, RecursionError) as problem:
        raise PackError(f"the pack's index cannot be read: {problem}") from problem
    if offset != begin:
        raise PackError("the pack is not as long as its index says")
    return segments
