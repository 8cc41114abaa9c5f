# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A NAR of the spool: while it is written, and while it is read."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import stat
from pathlib import Path

from ..path_info import PathInfo
from .offer import UntrustedError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# The modes of a file that is being written, and of one whose content is right. Only its readers may still have the
# latter: its name goes when it is evicted.
GROWING, VERIFIED = 0o600, 0o640


class SpoolFullError(Exception):
    """There is no room for a NAR, even after everything else was evicted."""


class SpoolBusyError(SpoolFullError):
    """There is no room for a NAR beside those that are being fetched now."""


class Writer:
    """Writes one NAR, holding its lock. Close it in every case; until ``finish`` nothing of it counts as the NAR."""

    def __init__(self, descriptor: int, part: Path, final: Path, info: PathInfo) -> None:
        self._descriptor = descriptor
        self._part = part
        self._final = final
        self._info = info
        self._hash = hashlib.sha256()
        self._size = 0

    def reader(self) -> Reader:
        """A reader of what this writes."""
        return Reader(os.open(self._part, os.O_RDONLY | os.O_CLOEXEC), whole=False)

    def write(self, data: bytes) -> None:
        """Append. Raises UntrustedError when it is more than the NAR has, SpoolFullError when the disk is full."""
        self._size += len(data)
        if self._size > self._info.nar_size:
            raise UntrustedError("the NAR is longer than its narinfo says")
        self._hash.update(data)
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as problem:
            if problem.errno in _FULL:
                raise SpoolFullError(f"{self._part}: {problem.strerror}") from problem
            raise

    def finish(self) -> None:
        """Verify the whole and let it be the NAR. Raises UntrustedError when it is another."""
        if self._size != self._info.nar_size:
            raise UntrustedError(f"the NAR has {self._size} bytes, its narinfo says {self._info.nar_size}")
        if self._hash.digest() != self._info.nar_hash:
            raise UntrustedError("the NAR has another hash than its narinfo says")
        os.fsync(self._descriptor)
        os.fchmod(self._descriptor, VERIFIED)
        self._part.rename(self._final)

    def close(self) -> None:
        """Remove what is not finished, and let go of the lock."""
        try:
            unlink_own(self._part, self._descriptor)
        finally:
            os.close(self._descriptor)


def unlink_own(part: Path, locked: int) -> None:
    """Remove a name, if it is still that of the file whose lock is held: another worker may have used it since."""
    with contextlib.suppress(FileNotFoundError):
        if os.path.samestat(part.stat(), os.fstat(locked)):
            part.unlink()


class Reader:
    """Reads a NAR that may still be written by this or another worker. Close it."""

    def __init__(self, descriptor: int, *, whole: bool) -> None:
        self.descriptor = descriptor
        self._whole = whole

    def size(self) -> int:
        """How many bytes are there by now."""
        return os.fstat(self.descriptor).st_size

    def whole(self) -> bool:
        """Whether it is finished and verified. Its eviction does not matter to this reader."""
        self._whole = self._whole or stat.S_IMODE(os.fstat(self.descriptor).st_mode) == VERIFIED
        return self._whole

    def abandoned(self) -> bool:
        """Whether nobody writes it any more although it is not whole."""
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        fcntl.flock(self.descriptor, fcntl.LOCK_UN)
        return not self.whole()

    def read(self, offset: int, size: int) -> bytes:
        """Bytes from an offset on; fewer when there are no more yet."""
        return os.pread(self.descriptor, size, offset)

    def close(self) -> None:
        """Let go of it."""
        os.close(self.descriptor)
