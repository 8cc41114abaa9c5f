# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The spool: NARs of upstream caches on disk, shared by all workers.

``HASH.nar`` is whole and verified, ``HASH.SIZE.part`` is being written by whoever holds its lock. HASH is the NAR's
own, so that content cannot be taken for another's; who says another SIZE of it is wrong, and shares no file.
``PATH.narinfo`` is an upstream's narinfo, verified again when it is read. A killed writer leaves a ``.part`` without a
lock, which the next writer removes and nobody sends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path

from .. import base32
from ..path_info import PathInfo
from .offer import UntrustedError
from .spooled import GROWING, Reader, SpoolBusyError, SpoolFullError, Writer, unlink_own

_NARINFO_SEPARATOR = "\n"
# So many narinfos more than twice the NARs may be those of evicted NARs: finding out which reads all of them.
_MOST_LEFT_OVER = 1000
_NAR_HASH = re.compile(r"^NarHash:\s*sha256:(?:([0-9a-z]{52})|([0-9a-f]{64}))\s*$", re.MULTILINE)


class Spool:
    """A folder of NARs, of ``size`` bytes at most."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder = folder
        self._size = size

    def _names(self, info: PathInfo) -> tuple[Path, Path]:
        name = info.nar_hash_base32
        return self.folder / f"{name}.{info.nar_size}.part", self.folder / f"{name}.nar"

    def has(self, info: PathInfo) -> bool:
        """Whether the NAR is there, whole and verified."""
        with contextlib.suppress(OSError):
            return self._names(info)[1].stat().st_size == info.nar_size
        return False

    def gets(self, info: PathInfo) -> bool:
        """Whether somebody is fetching the NAR, as far as its file tells."""
        return os.path.exists(self._names(info)[0])  # noqa: PTH110  (which raises nothing)

    def open(self, info: PathInfo) -> Writer | Reader:
        """A Reader of the NAR when it is there or somebody is fetching it; otherwise a Writer, to fetch it with.

        Raises UntrustedError when the NAR of that hash is there and has another size, OSError when the folder cannot be
        used.
        """
        part, final = self._names(info)
        while True:
            with contextlib.suppress(FileNotFoundError):
                return _open_whole(final, info)
            # Somebody may have removed it, to clear it.
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, GROWING)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return Reader(descriptor, whole=False)
            status = os.fstat(descriptor)
            if status.st_nlink == 0 or final.exists():
                # Its writer ended between our two looks; the second may have made an empty file.
                unlink_own(part, descriptor)
                os.close(descriptor)
                continue
            if status.st_size:
                # Left by a writer that was killed. Whoever still reads it must not see it change.
                unlink_own(part, descriptor)
                os.close(descriptor)
                continue
            return Writer(descriptor, part, final, info)

    def read_narinfo(self, hash_part: str) -> tuple[str, str] | None:
        """The name of an upstream and its narinfo of a path, as they were kept."""
        try:
            text = (self.folder / f"{hash_part}.narinfo").read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            return None
        upstream, _unused, narinfo = text.partition(_NARINFO_SEPARATOR)
        return upstream, narinfo

    def keep_narinfo(self, hash_part: str, upstream: str, narinfo: str) -> None:
        """Keep an upstream's narinfo. A spool that is full or gone does without."""
        temporary = self.folder / f"{hash_part}.narinfo.{os.getpid()}"
        try:
            temporary.write_text(upstream + _NARINFO_SEPARATOR + narinfo, encoding="ascii")
            temporary.rename(self.folder / f"{hash_part}.narinfo")
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)

    def drop_narinfo(self, hash_part: str) -> None:
        """Keep a path's narinfo no more."""
        with contextlib.suppress(OSError):
            (self.folder / f"{hash_part}.narinfo").unlink()

    def fits(self, info: PathInfo) -> bool:
        """Whether there is room for the NAR when all others are evicted."""
        return info.nar_size <= self._size

    def used(self) -> int:
        """Bytes of whole NARs."""
        return sum(status.st_size for _path, status in self._whole())

    def _whole(self) -> Iterator[tuple[Path, os.stat_result]]:
        try:
            entries = os.scandir(self.folder)
        except FileNotFoundError:
            # Somebody removed it: the next NAR has it made again.
            return
        with entries:
            for entry in entries:
                if entry.name.endswith(".nar"):
                    with contextlib.suppress(FileNotFoundError):
                        yield Path(entry.path), entry.stat()

    def turn(self, info: PathInfo) -> tuple[int, str]:
        """The order in which NARs that have a Writer, and nothing of which is there yet, have room. Raises OSError."""
        part = self._names(info)[0]
        return part.stat().st_mtime_ns, part.name

    def _growing(self, until: tuple[int, str]) -> Iterator[tuple[str, int, int]]:
        """Of each NAR that is being written, or waits for room since before ``until``: hash, size, what is there.

        So of those that come at once and fit only one by one, the first has its room.
        """
        for path in self.folder.glob("*.part"):
            with contextlib.suppress(FileNotFoundError, ValueError):
                status = path.stat()
                if status.st_size or (status.st_mtime_ns, path.name) <= until:
                    nar_hash, size, _part = path.name.split(".")
                    yield nar_hash, int(size), status.st_size

    def make_room(self, info: PathInfo) -> None:
        """Evict what was used longest ago until a NAR that has a Writer fits, beside all that is being written.

        Raises SpoolFullError or OSError when it cannot, SpoolBusyError when it can later; if that is known before,
        nothing is evicted. Those who are reading an evicted NAR keep its content until they close it.
        """
        growing = list(self._growing(self.turn(info)))
        reserved = sum(size for _hash, size, _there in growing)
        missing = reserved - sum(there for _hash, _size, there in growing)
        # One that was finished since then is not counted twice, and does not go at once.
        finished = {nar_hash for nar_hash, _size, _there in growing}
        others = (item for item in self._whole() if item[0].stem not in finished)
        whole = sorted(others, key=lambda item: item[1].st_mtime_ns)
        used = sum(status.st_size for _path, status in whole)
        if reserved > self._size:
            raise SpoolBusyError(f"NARs of {reserved} bytes are being fetched into a spool of {self._size}")
        if self._free() + used < missing:
            raise SpoolFullError(f"the disk of {self.folder} has no room for {missing} bytes more")
        evicted = False
        for path, status in whole:
            if used + reserved <= self._size and self._free() >= missing:
                break
            path.unlink(missing_ok=True)
            used -= status.st_size
            evicted = True
        if evicted and self._many_left_over():
            self._drop_left_over()
        if self._free() < missing:
            raise SpoolFullError(f"the disk of {self.folder} has no {missing} bytes left")
        # Nothing of it is there yet: one that comes within the same tick of the clock, or after the clock was set back,
        # shall count it nevertheless.
        os.utime(self._names(info)[0], (0, 0))

    def _many_left_over(self) -> bool:
        """Whether many narinfos must be those of evicted NARs."""
        names = os.listdir(self.folder)  # noqa: PTH208
        nars = sum(name.endswith(".nar") for name in names)
        return sum(name.endswith(".narinfo") for name in names) > 2 * nars + _MOST_LEFT_OVER

    def _drop_left_over(self) -> None:
        """Remove narinfos whose NARs were evicted."""
        for path in self.folder.glob("*.narinfo"):
            with contextlib.suppress(OSError):
                try:
                    name = _nar_name(path.read_text(encoding="ascii"))
                except UnicodeDecodeError:
                    name = None
                if name is None or not (self.folder / name).exists():
                    path.unlink()

    def _free(self) -> int:
        status = os.statvfs(self.folder)
        return status.f_bavail * status.f_frsize

    def clean(self) -> None:
        """Remove what killed writers left, and narinfos whose NARs were evicted."""
        self._drop_left_over()
        for path in self.folder.glob("*.narinfo.*"):
            # A living worker is about to give it its name.
            if not Path(f"/proc/{path.suffix[1:]}").exists():
                path.unlink(missing_ok=True)
        for path in self.folder.glob("*.part"):
            with contextlib.suppress(OSError):
                descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    unlink_own(path, descriptor)
                finally:
                    os.close(descriptor)


def _nar_name(narinfo: str) -> str | None:
    """The name of the whole NAR that a kept narinfo is of."""
    found = _NAR_HASH.search(narinfo)
    if found is None:
        return None
    in_base32, in_base16 = found.groups()
    return f"{in_base32 or base32.encode(bytes.fromhex(in_base16))}.nar"


def _open_whole(final: Path, info: PathInfo) -> Reader:
    descriptor = os.open(final, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if (size := os.fstat(descriptor).st_size) != info.nar_size:
            raise UntrustedError(f"the NAR of this hash has {size} bytes, its narinfo says {info.nar_size}")
        # What is used stays longest.
        os.utime(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return Reader(descriptor, whole=True)
