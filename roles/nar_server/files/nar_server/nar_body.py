# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of a NAR request: a path, or a range of its NAR, straight from the store."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import math
import os
import time
from collections.abc import Iterator
from itertools import repeat

from .buffers import Buffers
from .folders import open_folder
from .hot_tier import HotTier, Source
from .http import Body, Sender
from .http.sending import SocketSender
from .layout import BUFFER_SIZE, Identity, LargeFile, Layout, Run, identity
from .layout_index import Collected, LayoutIndex
from .nar import NarError
from .open_files import OpenFiles
from .packs import Pack
from .page_cache import NOT_AT_ONCE, send_file
from .survey import Pace, Part, survey

# While buffers are scarce, what is chunked or coded is read again for each so many bytes: a slow client holds no more.
_SCARCE_SLICE = 16 * 1024
# What is read in less time, all its small files, was in memory; a disk that turns needs as long for one. The others on
# the loop wait no longer for a first request.
_FROM_MEMORY_SECONDS = 0.01
# What goes wrong whatever is in a pack: no descriptors or memory are left, or the client's network is gone or closed.
_NOT_OF_A_PACK = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS}
_NOT_OF_A_PACK |= {errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EPERM}


class NarBody(Body):
    """The bytes of a path's NAR from the first of ``span`` to before its last.

    The last piece leaves only when all sizes add up: a NAR that is not of ``size`` bytes never leaves whole.
    """

    def __init__(
        self,
        source: Source,
        span: tuple[int, int],
        index: LayoutIndex,
        buffers: Buffers,
        open_files: OpenFiles,
        *,
        tier: HotTier | None = None,
    ) -> None:
        self._source = source
        self._tier = tier
        self._root = source.root
        self._nar_hash = source.nar_hash
        self._key = (source.root, source.nar_hash)
        self._size = source.size
        self._first, self._last = span
        self._index = index
        self._buffers = buffers
        self._open_files = open_files
        self._folder = -1
        self.length = self._last - self._first

    async def send(self, sender: Sender) -> None:
        """Send it. Raises NarError or OSError when the path is not what Nix registered."""
        self._folder = open_folder(self._root)
        if self._tier is None:
            await self._send_from_store(sender)
            return
        with self._tier.sending():
            await self._send_from_tier(sender, self._tier)

    async def _send_from_tier(self, sender: Sender, tier: HotTier) -> None:
        """Send what the tier has from there, and have it there the next time."""
        # A client that asks for a few bytes shall not decide what is in the tier.
        used = 2 * (self._last - self._first) >= self._size
        pack = tier.open(self._nar_hash, self._size, used=used)
        if pack is None:
            await self._send_from_store(sender)
            if used:
                tier.want(self._source)
            return
        with contextlib.closing(pack):
            try:
                await self._send_pack(sender, pack)
            except (NarError, OSError, EOFError, ValueError) as problem:
                if not isinstance(problem, ConnectionError) and getattr(problem, "errno", None) not in _NOT_OF_A_PACK:
                    tier.remove(self._nar_hash, pack, problem)
                raise

    async def _send_pack(self, sender: Sender, pack: Pack) -> None:
        for segment, first, last in pack.within(self._first, self._last):
            if segment.name is None:
                await send_file(sender, pack.descriptor, segment.offset + first, segment.offset + last)
            else:
                name = segment.name or os.path.basename(self._root)  # noqa: PTH119
                await self._send_file(sender, LargeFile(segment.size, name), first, last)

    async def _send_from_store(self, sender: Sender) -> None:
        found = identity(self._root)
        layout = self._index.get(self._key, found)
        whole = (self._first, self._last) == (0, self._size)
        if layout is None and whole and not self._buffers.scarce and not self._index.collects(self._key):
            with self._index.collecting(self._key) as collected:
                await self._send_and_survey(sender, collected)
                if collected.pieces is not None:
                    self._keep(Layout(found, collected.pieces))
            return
        if layout is None:
            layout = await self._index.survey(self._key, found, lambda: self._survey(found))
            self._keep(layout)
        try:
            if layout.size != self._size:
                raise self._wrong_size()
            for piece, first, last in layout.within(self._first, self._last):
                if isinstance(piece, LargeFile):
                    await self._send_file(sender, piece, first, last)
                    continue
                await self._send_run(sender, layout, piece, first, last)
        except (NarError, OSError) as problem:
            if not isinstance(problem, ConnectionError):
                self._index.drop(self._key)
            raise

    def _survey(self, found: Identity) -> Layout:
        scratch = memoryview(bytearray(BUFFER_SIZE))
        return Layout(found, [piece for part in survey(self._root, repeat(scratch)) for piece in part.pieces])

    async def _send_and_survey(self, sender: Sender, collected: Collected) -> None:
        """Send the whole NAR, and collect its pieces as they are found."""
        with self._buffers.lend() as buffer:
            await self._send_surveyed(sender, buffer, collected)

    async def _send_surveyed(self, sender: Sender, buffer: memoryview, collected: Collected) -> None:
        pace = Pace()
        found = survey(self._root, repeat(buffer), pace)
        left = self._size
        at_once = True
        while left:
            started = time.monotonic()
            # A thread costs as much as reading many files, so a part is made here until it turns out to be slow.
            pace.until = started + _FROM_MEMORY_SECONDS if at_once else math.inf
            part = self._next_part(found, left) if at_once else await asyncio.to_thread(self._next_part, found, left)
            # The next one is most likely where this one was.
            at_once = time.monotonic() - started < _FROM_MEMORY_SECONDS
            self._index.collect(collected, part.pieces)
            left -= part.size
            await sender.write(buffer[: part.run.size])
            if part.large is not None:
                await self._send_file(sender, part.large, 0, part.large.size)

    def _next_part(self, found: Iterator[Part], left: int) -> Part:
        """The next part of the NAR, of which ``left`` bytes are left; the last is returned only if nothing follows."""
        part = next(found, None)
        if part is None or part.size > left or (part.size == left and next(found, None) is not None):
            raise self._wrong_size()
        return part

    def _wrong_size(self) -> NarError:
        return NarError(f"the NAR of {os.fsdecode(self._root)} is not of the {self._size} bytes the database says")

    def _keep(self, layout: Layout) -> None:
        if layout.size == self._size:
            self._index.put(self._key, layout)

    async def _send_run(self, sender: Sender, layout: Layout, run: Run, first: int, last: int) -> None:
        """Send the bytes of a run from ``first`` to before ``last``."""
        while first < last:
            with self._buffers.lend() as buffer:
                await self._read(layout, run, buffer)
                if not self._buffers.scarce:
                    await sender.write(buffer[first:last])
                    return
                if isinstance(sender, SocketSender):
                    first += sender.try_send(buffer[first:last])
                    some = b""
                else:
                    # Frames and codes what it is given, and has to have all of it.
                    some = bytes(buffer[first : min(first + _SCARCE_SLICE, last)])
            if isinstance(sender, SocketSender):
                await sender.ready()
            else:
                await sender.write(some)
                first += len(some)

    async def _read(self, layout: Layout, run: Run, buffer: memoryview) -> None:
        """Read a run here if it is in memory, in a thread if the disk has to be waited for."""
        try:
            self._open_files.read(layout, run, self._folder, buffer)
        except OSError as error:
            if error.errno not in NOT_AT_ONCE:
                raise
            await asyncio.to_thread(self._read_waiting, run, buffer)

    def _read_waiting(self, run: Run, buffer: memoryview) -> None:
        with contextlib.closing(run.open_each(self._folder)) as opened:
            run.read(opened, buffer, wait=True)

    async def _send_file(self, sender: Sender, file: LargeFile, first: int, last: int) -> None:
        descriptor = file.open(self._folder)
        try:
            await send_file(sender, descriptor, first, last)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Let go of the path."""
        if self._folder >= 0:
            os.close(self._folder)
            self._folder = -1
