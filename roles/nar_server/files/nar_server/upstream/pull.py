# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pull-through: paths that are not here come from upstream caches, through the spool, to any number of clients.

Whoever finds a NAR neither in the spool nor being fetched fetches it, in a task that ends by itself however many
clients are left. All clients, the first too, read the spool's file while it grows.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from bisect import insort
from collections.abc import AsyncIterator, Coroutine, Iterable
from itertools import count
from typing import Any

import aiohttp

from ..config import PullThroughConfig
from ..metrics import Metrics
from ..path_info import PathInfo
from ..views import View
from .client import FetchError, GoneError, NoTurnError, Upstream, tracing
from .compression import CorruptError, Unpacker
from .finder import Finder
from .importer import Importer
from .lookup import OwnThreads
from .offer import Offer, UntrustedError, brief
from .spool import Spool
from .spooled import Reader, SpoolBusyError, SpoolFullError, Writer

LOGGER = logging.getLogger("nar_server")
# What a slow client of a NAR under way has in memory.
_CHUNK = 64 * 1024
# Bytes of a NAR that no client gets before all of it was verified: a client never has the whole of a wrong one.
HELD_BACK = 64 * 1024
# Packed data may have no end and nothing in them: they may take twice the NAR's size and so many bytes more.
_MOST_OVERHEAD = 1024 * 1024
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.002, 0.05
# For how long a NAR waits for room that others take which are being fetched.
ROOM_SECONDS = 60.0
# Looking for room reads the whole folder: who waits pauses so many times as long as that took, so many seconds at most.
_PAUSE_SHARE, _LONGEST_LOOK_PAUSE = 9, 1.0


class Puller:
    """Finds paths at upstream caches and fetches them. To be used within one event loop."""

    def __init__(self, config: PullThroughConfig, upstreams: Iterable[Upstream], metrics: Metrics) -> None:
        self.spool = Spool(config.folder, config.size)
        self.upstreams = {upstream.name: upstream for upstream in upstreams}
        self._metrics = metrics
        self._importer = Importer(config.daemon_socket, metrics) if config.import_to_store else None
        self._finder = Finder(self.upstreams, self.spool, self._client, metrics)
        # Hash parts of paths that are being fetched, or kept, by this process.
        self._begun: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._lookup = OwnThreads()
        # Those who have no room yet, in the order in which they are to have it. One is told when it becomes the first.
        self._turns: list[tuple[tuple[int, str], int, asyncio.Event]] = []
        self._numbers = count()
        self._looking = asyncio.Lock()

    async def find(self, view: View, hash_part: str, *, promised: bool = False) -> Offer | None:
        """What an upstream of the view offers for a hash part; ``promised`` as the finder has it. Never raises."""
        found = await self._finder.find(view, hash_part, promised=promised)
        return None if found is None else found[1]

    def has(self, offer: Offer) -> bool:
        """Whether the NAR is here, whole and verified."""
        return self.spool.has(offer.info)

    async def open(self, view: View, hash_part: str, expected: PathInfo | None = None) -> Reader | None:
        """A reader of an offered path's NAR, fetched from now on if it is not here yet. Close it.

        None when nobody offers it, or when what is offered by now is another NAR than the one of ``expected``. Raises
        OSError when the spool cannot be used.
        """
        found = await self._finder.find(view, hash_part, promised=True)
        if found is None:
            return None
        upstream, offer = found
        nar = offer.info.nar_hash, offer.info.nar_size
        if expected is not None and nar != (expected.nar_hash, expected.nar_size):
            return None
        try:
            opened = self.spool.open(offer.info)
        except UntrustedError as problem:
            # Another upstream, or this one later, may say better.
            self._finder.refuse(upstream, offer)
            self._distrust(upstream, offer, problem)
            self._count(upstream, "untrusted")
            return None
        if isinstance(opened, Reader):
            if hash_part not in self._begun and self.spool.read_narinfo(hash_part) is None:
                self._start(self._share(*found, view))
            return opened
        try:
            reader = opened.reader()
        except BaseException:
            opened.close()
            raise
        self._start(self._fetch(*found, opened, view))
        return reader

    async def _share(self, upstream: Upstream, offer: Offer, view: View) -> None:
        """Keep and import a path whose NAR came, or comes, for another path of the same content."""
        hash_part = offer.info.path.hash_part
        try:
            opened = self.spool.open(offer.info)
        except UntrustedError as problem:
            self._distrust(upstream, offer, problem)
            return
        try:
            if isinstance(opened, Writer):
                return
            self._begun.add(hash_part)
            while not opened.whole():
                if opened.abandoned():
                    return
                await asyncio.sleep(_LONGEST_PAUSE)
            self.spool.keep_narinfo(hash_part, upstream.name, offer.text)
        finally:
            self._begun.discard(hash_part)
            opened.close()
        await self._import(view, offer)

    async def _import(self, view: View, offer: Offer) -> None:
        if self._importer is not None and view.store.imports:
            await self._importer.add(self, view, offer.info)

    async def _fetch(self, upstream: Upstream, offer: Offer, writer: Writer, view: View) -> None:
        path, outcome = offer.info.path, "failure"
        self._begun.add(path.hash_part)
        try:
            await self._make_room(offer.info)
            unpacker = Unpacker(offer.compression)
            packed = 0
            async with contextlib.aclosing(upstream.nar(self._client(), offer)) as chunks:
                async for chunk in chunks:
                    packed += len(chunk)
                    if packed > 2 * offer.info.nar_size + _MOST_OVERHEAD:
                        raise CorruptError(
                            f"it has more than {packed} bytes packed, for a NAR of {offer.info.nar_size}"
                        )
                    size = await asyncio.to_thread(_unpack, unpacker, chunk, writer)
                    self._metrics.add("nar_server_pulled_bytes_total", size)
            if not unpacker.finished:
                raise CorruptError("it ends too early")
            await asyncio.to_thread(writer.finish)
            # From now on it is here, whether its upstream is there or not.
            self.spool.keep_narinfo(path.hash_part, upstream.name, offer.text)
            outcome = "whole"
        except FetchError as problem:
            if not isinstance(problem, GoneError):
                upstream.breaker.failed()
            self._finder.refuse(upstream, offer)
            LOGGER.error("upstream %s: the NAR of %s did not come: %s", upstream.name, path, brief(problem))
        except (UntrustedError, CorruptError) as problem:
            outcome = "untrusted"
            self._finder.refuse(upstream, offer)
            self._distrust(upstream, offer, problem)
        except NoTurnError as problem:
            LOGGER.error("upstream %s: the NAR of %s was not fetched: %s", upstream.name, path, problem)
        except (SpoolFullError, OSError, ModuleNotFoundError) as problem:
            LOGGER.error("the NAR of %s could not be kept: %s", path, problem)
        finally:
            self._begun.discard(path.hash_part)
            writer.close()
            self._count(upstream, outcome)
        if outcome == "whole":
            await self._import(view, offer)

    async def _make_room(self, info: PathInfo) -> None:
        """Have room for a NAR, when it is its turn. Raises SpoolFullError or OSError.

        Only the first of those who wait looks whether there is some: the others have none before it has, and would keep
        the threads busy in which the NARs are unpacked that they wait for.
        """
        end = time.monotonic() + ROOM_SECONDS
        turn = self.spool.turn(info), next(self._numbers), asyncio.Event()
        insort(self._turns, turn)
        try:
            while True:
                if self._turns[0] is not turn:
                    turn[-1].clear()
                    try:
                        async with asyncio.timeout(end - time.monotonic()):
                            await turn[-1].wait()
                    except TimeoutError:
                        raise SpoolBusyError(f"others waited before it for {ROOM_SECONDS:.0f} s") from None
                async with self._looking:
                    took, busy = await asyncio.to_thread(self._look, info)
                if busy is None:
                    return
                if time.monotonic() >= end:
                    raise busy
                await asyncio.sleep(min(max(_LONGEST_PAUSE, _PAUSE_SHARE * took), _LONGEST_LOOK_PAUSE))
        finally:
            self._turns.remove(turn)
            if self._turns:
                self._turns[0][-1].set()

    def _look(self, info: PathInfo) -> tuple[float, SpoolBusyError | None]:
        """Make room if that can be done: how many seconds it took, and what was in the way."""
        started = time.monotonic()
        try:
            self.spool.make_room(info)
        except SpoolBusyError as problem:
            return time.monotonic() - started, problem
        return time.monotonic() - started, None

    def _distrust(self, upstream: Upstream, offer: Offer, problem: Exception) -> None:
        path = offer.info.path
        if self._metrics.first(f"{upstream.name} {path} {problem}"):
            LOGGER.error("upstream %s: the NAR of %s is not believed: %s", upstream.name, path, brief(problem))

    def _count(self, upstream: Upstream, outcome: str) -> None:
        self._metrics.add("nar_server_pulled_nars_total", upstream=upstream.name, outcome=outcome)

    async def fetch(self, view: View, hash_part: str) -> tuple[PathInfo, Reader] | None:
        """The whole NAR of a path, fetched first if need be; None when it is not to be had. Close the reader."""
        offer = await self.find(view, hash_part)
        reader = None if offer is None else await self.open(view, hash_part, offer.info)
        if offer is None or reader is None:
            return None
        try:
            async for _unused in self.tail(reader, offer.info):
                pass
        except FetchError:
            reader.close()
            return None
        return offer.info, reader

    async def tail(self, reader: Reader, info: PathInfo) -> AsyncIterator[bytes]:
        """The NAR's bytes as they come, the last of them only after it was verified. Raises FetchError."""
        offset, pause = 0, _SHORTEST_PAUSE
        while offset < info.nar_size:
            whole = reader.whole()
            end = info.nar_size if whole else min(reader.size(), info.nar_size - HELD_BACK)
            if offset < end:
                data = reader.read(offset, min(_CHUNK, end - offset))
                if not data:
                    raise FetchError(f"the spool's NAR of {info.path} became shorter")
                offset, pause = offset + len(data), _SHORTEST_PAUSE
                yield data
            elif not whole and reader.abandoned():
                raise FetchError(f"the NAR of {info.path} was not finished")
            elif not whole:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                raise FetchError(f"the spool's NAR of {info.path} is shorter than it was")

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            # What waits in its queue would have less of its own time: each upstream has its turns instead.
            connector = aiohttp.TCPConnector(limit=0, resolver=self._lookup)
            # Unless told otherwise, aiohttp offers to take what it would then have to unpack.
            headers = {"User-Agent": "nar-server", "Accept-Encoding": "identity"}
            self._session = aiohttp.ClientSession(
                connector=connector,
                headers=headers,
                auto_decompress=False,
                # What one upstream sets would go to others of the same domain, and stay for ever.
                cookie_jar=aiohttp.DummyCookieJar(),
                trace_configs=[tracing()],
            )
        return self._session

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self) -> None:
        """Wait for what is being asked, fetched and imported."""
        await self._finder.finish()
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        """End what is under way; what is not whole is removed."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        await self._lookup.close()


def _unpack(unpacker: Unpacker, chunk: bytes, writer: Writer) -> int:
    size = 0
    for data in unpacker.unpack(chunk):
        writer.write(data)
        size += len(data)
    return size
