# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process that fills the hot tier: ``python3 -m nar_server.filler FOLDER SIZE``, wanted paths on standard input.

It yields to whoever serves. Whatever goes wrong is told on standard error, and costs no more than a pack.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
import time
from pathlib import Path
from typing import NamedTuple

from .hot_tier import LOGGER, SUFFIX, Source, pack_name
from .journal import log_to_stderr
from .nar import NarError
from .packs import PackError, PackTooLargeError, write_pack

_NICE = 10
# What the file system counts in, whatever its own blocks are (stat(2)).
_BLOCK = 512
# What a file takes is a multiple of this, on most file systems.
_PAGE = 4096
# A pack that alone takes more of the budget would drive out everything else.
_MOST_SHARE = 0.25
# What was used in so long makes no room: when more is asked for again and again than fits, packs would be made and
# removed all the time, for nothing.
_STAYS_SECONDS = 600
# While the tier is full, it is looked again after so long whether something may go.
_COUNT_EVERY = 30
# So much of the file system stays free, whatever the budget.
_FREE_SHARE = 0.05


class _Pack(NamedTuple):
    """A pack in the folder: the time of its last use, the bytes it takes, its file, and whether it makes room."""

    used: float
    size: int
    file: Path
    goes: bool

    def remove(self) -> int:
        """Remove it; the bytes that get free."""
        self.file.unlink(missing_ok=True)
        return self.size


class TierFullError(PackError):
    """There is no room for a pack before others are unused for a while."""


class Filler:
    """Makes packs in ``folder``, ``budget`` bytes of them at most.

    What nobody used lately makes room. ``keeps``: all makes room but what it was once asked for itself.
    """

    def __init__(self, folder: Path, budget: int, *, keeps: bool = False) -> None:
        self._folder = folder
        self._budget = budget
        self._keeps = keeps
        self._kept: dict[Path, int] = {}
        self._limit = 0
        self._changed = 0
        self._counted = 0.0

    @property
    def _share(self) -> int:
        return int(self._budget * _MOST_SHARE) // _PAGE * _PAGE

    def limit(self) -> int:
        """The most bytes that the next pack may have, as it was a short while ago at the earliest."""
        # Changes with each pack that any filler makes or removes.
        changed = self._folder.stat().st_mtime_ns
        if changed != self._changed or time.monotonic() - self._counted > _COUNT_EVERY:
            self._changed, self._counted = changed, time.monotonic()
            self._limit = self._count()
        return self._limit

    def _count(self) -> int:
        staying = sum(pack.size for pack in self._packs() if not pack.goes) + sum(self._kept.values())
        return min(self._share, (self._budget - staying) // _PAGE * _PAGE)

    def fill(self, source: Source) -> bool:
        """Have the pack of a path; whether it had to be made. Raises NarError, PackError or OSError."""
        target = self._folder / pack_name(source.nar_hash)
        made = self._fill(source, target)
        if self._keeps:
            if not made:
                # Else it would be the next to go, if it was not asked for in a long time.
                os.utime(target, (time.time(), target.stat().st_mtime))
            self._kept[target] = target.stat().st_blocks * _BLOCK
        return made

    def _fill(self, source: Source, target: Path) -> bool:
        if target.exists():
            return False
        # Each worker has a filler: they take turns, so that none makes what another has made, and the budget holds.
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            if target.exists():
                return False
            self._make(source, target)
            return True
        finally:
            os.close(folder)

    def _make(self, source: Source, target: Path) -> None:
        # If the disk is short of space, all that is written now would be for nothing.
        self.make_room(0)
        # Without a name until it is whole: after a crash, the kernel has removed it.
        descriptor = os.open(self._folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o644)
        try:
            self.make_room(self._write(source, descriptor))
            os.fdatasync(descriptor)
            with contextlib.suppress(FileExistsError):
                # Only with a folder's descriptor does Python follow the link of /proc to the file.
                os.link(f"/proc/self/fd/{descriptor}", target, src_dir_fd=descriptor, follow_symlinks=True)
        finally:
            os.close(descriptor)

    def _write(self, source: Source, descriptor: int) -> int:
        limit = self._count()
        try:
            return write_pack(source.root, source.nar_hash, descriptor, limit)
        except PackTooLargeError:
            if limit == self._share:
                raise
        if self._keeps:
            raise PackError(f"the {self._budget} bytes of the hot tier are full of what was asked for before")
        raise TierFullError(f"it is full of what was used in the last {_STAYS_SECONDS // 60} minutes")

    def _packs(self) -> list[_Pack]:
        """Packs that are not kept, the longest unused first."""
        packs, now = [], time.time()
        for entry in self._folder.iterdir():
            if entry.suffix == SUFFIX and entry not in self._kept:
                # The fillers of other workers remove packs too.
                with contextlib.suppress(FileNotFoundError):
                    status = entry.stat(follow_symlinks=False)
                    # The clock may have been wrong when it was used.
                    used = status.st_atime if status.st_atime < now + _STAYS_SECONDS else 0
                    goes = self._keeps or used < now - _STAYS_SECONDS
                    packs.append(_Pack(used, status.st_blocks * _BLOCK, entry, goes))
        return sorted(packs)

    def make_room(self, size: int) -> None:
        """Have room for ``size`` bytes. Raises PackError, and removes nothing for them, when there is none.

        Whatever is more than the budget goes: it may be smaller than it was.
        """
        packs = self._packs()
        total = sum(pack.size for pack in packs) + sum(self._kept.values())
        while packs and total > self._budget:
            total -= packs.pop(0).remove()
        going = [pack for pack in packs if pack.goes]
        reserve = sum(pack.size for pack in going)
        if total + _whole_pages(size) - reserve > self._budget:
            raise PackError(f"the {self._budget} bytes of the hot tier are full of what was asked for before")
        if self._short_by() > reserve:
            raise PackError(f"it would leave less than {_FREE_SHARE:.0%} of the file system free")
        while going and (total + _whole_pages(size) > self._budget or self._short_by() > 0):
            total -= going.pop(0).remove()

    def _short_by(self) -> float:
        """Bytes that are missing to what of the file system shall stay free."""
        status = os.statvfs(self._folder)
        return (status.f_blocks * _FREE_SHARE - status.f_bavail) * status.f_frsize


def _whole_pages(size: int) -> int:
    return -(-size // _PAGE) * _PAGE


def yield_to_others() -> None:
    """Have less right to the processor than who serves."""
    with contextlib.suppress(OSError):
        os.nice(_NICE)


def main() -> None:
    """Make what is asked for until standard input ends."""
    log_to_stderr()
    yield_to_others()
    folder = Path(sys.argv[1])
    filler = Filler(folder, int(sys.argv[2]))
    # The budget may be smaller than it was.
    with contextlib.suppress(OSError, PackError):
        filler.make_room(0)
    problems: str | None = None
    # What was too large for how much: else each request for one would write so much for nothing.
    too_large: dict[str, int] = {}
    full = False
    for line in sys.stdin:
        root, nar_hash, size = json.loads(line)
        limit = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            limit = filler.limit()
            if limit <= too_large.get(nar_hash, -1):
                continue
            filler.fill(Source(os.fsencode(root), bytes.fromhex(nar_hash), size))
            problems = None
        except TierFullError as problem:
            too_large[nar_hash] = limit
            # As long as it stays so, it would be told of most paths.
            if not full:
                LOGGER.warning(
                    "hot_tier.size: %s bytes are too few for all that is asked for: %s", sys.argv[2], problem
                )
            full = True
        except PackTooLargeError as problem:
            too_large[nar_hash] = limit
            LOGGER.warning("not in the hot tier: %s: %s", root, problem)
        except (OSError, NarError, PackError) as problem:
            # A full disk fails each path alike: it is told once.
            if str(problem) != problems:
                LOGGER.warning("not in the hot tier: %s: %s", root, problem)
            problems = str(problem)


if __name__ == "__main__":
    main()
