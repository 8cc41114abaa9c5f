# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hot tier: a folder with packs of the NARs that were asked for, the longest unused removed first.

A process of its own makes and removes packs (``filler``), told by lines on its standard input which ones are wanted. A
pack gets its name when it is whole, checked and on disk: a crash leaves nothing half-written. Whoever sends a pack that
is removed meanwhile has it open, and finishes. One that turns out damaged is removed by who finds out, and made anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import base32
from .layout import OPEN_FLAGS
from .packs import OtherSizeError, Pack, PackError, Segment

LOGGER = logging.getLogger("nar_server")
SUFFIX = ".pack"
# The time of a pack's last use is written down no more often than this, in seconds.
_TOUCH_EVERY = 60
_RESTART_SECONDS = 60
# The filler takes of the processor and the disk what others need, so it is told what is wanted once no NAR was sent for
# so long; under constant load, it is told after so long all the same.
_QUIET_SECONDS = 1
_PATIENCE_SECONDS = 30
_MOST_WANTED = 4096
# So many segments of packs are remembered: some 10 MiB. Reading thousands of them takes milliseconds.
_MOST_SEGMENTS = 50_000


@dataclass(frozen=True, slots=True)
class Source:
    """A path on this disk, and what Nix registered of its NAR: hash and size in bytes."""

    root: bytes
    nar_hash: bytes
    size: int


def pack_name(nar_hash: bytes) -> str:
    """The name of a NAR's pack."""
    return base32.encode(nar_hash) + SUFFIX


def _open(name: str) -> int:
    """Open a pack without the kernel noting that it was read: what counts as used is decided here."""
    try:
        return os.open(name, OPEN_FLAGS | os.O_NOATIME)
    except PermissionError:
        # It belongs to somebody else.
        return os.open(name, OPEN_FLAGS)


def _remove(name: str, opened: os.stat_result, problem: Exception) -> None:
    """Remove a damaged pack, unless another one has its name by now."""
    LOGGER.error("%s cannot be used: %s", name, problem)
    # The folder may belong to somebody else.
    with contextlib.suppress(OSError):
        if os.path.samestat(os.lstat(name), opened):
            Path(name).unlink()


def _note_use(descriptor: int, status: os.stat_result) -> None:
    now = time.time()
    # The clock may have been ahead.
    if abs(now - status.st_atime) > _TOUCH_EVERY:
        with contextlib.suppress(OSError):
            os.utime(descriptor, (now, status.st_mtime))


class HotTier:
    """The tier as a server sees it: it reads, and tells the filler what to make. ``size``: bytes it may take."""

    def __init__(self, folder: Path, size: int) -> None:
        self._folder = os.fspath(folder)
        self._size = size
        self._filler: subprocess.Popen[bytes] | None = None
        self._closed = False
        # Of packs that were opened, by what they are; that used last is at the end.
        self._segments: dict[tuple[int, ...], list[Segment]] = {}
        self._known = 0
        self._started = -float(_RESTART_SECONDS)
        # By hash of the NAR, in the order in which they were wanted first.
        self._wanted: dict[bytes, Source] = {}
        self._wanted_since = self._sent_last = 0.0
        self._sending = 0
        self._telling: asyncio.TimerHandle | None = None

    def open(self, nar_hash: bytes, size: int, *, used: bool = True) -> Pack | None:
        """The pack of a NAR of ``size`` bytes, for the caller to close; None when it is not there or is damaged.

        ``used``: it is written down as used now.
        """
        name = self._name(nar_hash)
        try:
            descriptor = _open(name)
        except OSError:
            return None
        status = os.fstat(descriptor)
        try:
            pack = self._pack(descriptor, size, status)
        except OtherSizeError as problem:
            # Whoever says so may be wrong: the pack is its content's, and other paths may have the same.
            LOGGER.error("%s: %s", name, problem)
            return None
        except PackError as problem:
            _remove(name, status, problem)
            return None
        except OSError as problem:
            LOGGER.error("%s cannot be read: %s", name, problem)
            return None
        if used:
            _note_use(descriptor, status)
        return pack

    def _name(self, nar_hash: bytes) -> str:
        return f"{self._folder}/{pack_name(nar_hash)}"

    def remove(self, nar_hash: bytes, pack: Pack, problem: Exception) -> None:
        """Remove the pack of a NAR, which ``pack`` is or was: ``problem`` came up while it was sent."""
        _remove(self._name(nar_hash), os.fstat(pack.descriptor), problem)

    def _pack(self, descriptor: int, size: int, status: os.stat_result) -> Pack:
        key = status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size, size
        segments = self._segments.pop(key, None)
        pack = Pack(descriptor, size, segments)
        self._known += len(pack.segments) if segments is None else 0
        self._segments[key] = pack.segments
        while self._known > _MOST_SEGMENTS:
            self._known -= len(self._segments.pop(next(iter(self._segments))))
        return pack

    @contextlib.contextmanager
    def sending(self) -> Iterator[None]:
        """While a NAR is sent."""
        self._sending += 1
        try:
            yield
        finally:
            self._sending -= 1
            self._sent_last = time.monotonic()

    def want(self, source: Source) -> None:
        """Have the pack of a path made, some time. Never waits; when too many are wanted, this one is forgotten."""
        if self._closed:
            return
        if len(self._wanted) >= _MOST_WANTED:
            LOGGER.debug("the hot tier is busy: %s is left out", os.fsdecode(source.root))
            return
        self._wanted.setdefault(source.nar_hash, source)
        if self._telling is None:
            self._wanted_since = time.monotonic()
            self._tell_after(_QUIET_SECONDS)

    def _tell_after(self, seconds: float) -> None:
        self._telling = asyncio.get_running_loop().call_later(seconds, self._tell)

    def _tell(self) -> None:
        """Tell the filler what is wanted, or wait longer."""
        now = time.monotonic()
        busy = self._sending or now - self._sent_last < _QUIET_SECONDS
        if busy and now - self._wanted_since < _PATIENCE_SECONDS:
            self._tell_after(_QUIET_SECONDS)
            return
        self._telling = None
        filler = self._running()
        if filler is None or filler.stdin is None:
            self._wanted.clear()
            return
        for source in list(self._wanted.values()):
            line = json.dumps([os.fsdecode(source.root), source.nar_hash.hex(), source.size]) + "\n"
            try:
                os.write(filler.stdin.fileno(), line.encode("ascii"))
            except BlockingIOError:
                # It has enough to do; the others are told later.
                self._tell_after(_QUIET_SECONDS)
                return
            except OSError:
                self._end_filler()
                return
            del self._wanted[source.nar_hash]

    def _running(self) -> subprocess.Popen[bytes] | None:
        if self._filler is not None and self._filler.poll() is not None:
            LOGGER.warning("the hot tier's filler ended with status %d", self._filler.returncode)
            self._end_filler()
        if self._filler is None and time.monotonic() - self._started >= _RESTART_SECONDS:
            self._started = time.monotonic()
            command = [sys.executable, "-P", "-m", "nar_server.filler", self._folder, str(self._size)]
            path = str(Path(__file__).parents[1])
            try:
                self._filler = subprocess.Popen(command, stdin=subprocess.PIPE, env=os.environ | {"PYTHONPATH": path})
            except OSError as problem:
                LOGGER.warning("the hot tier's filler cannot be started: %s", problem)
                return None
            if self._filler.stdin is not None:
                os.set_blocking(self._filler.stdin.fileno(), False)
        return self._filler

    def close(self) -> None:
        """Let the filler end, and start none for the requests that still run."""
        self._closed = True
        self._end_filler()

    def _end_filler(self) -> None:
        """A pack that is not whole is forgotten."""
        self._wanted.clear()
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        filler, self._filler = self._filler, None
        if filler is not None:
            filler.terminate()
            if filler.stdin is not None:
                filler.stdin.close()
            # On a disk that hangs, it ends when that goes on.
            threading.Thread(target=filler.wait, daemon=True).start()
