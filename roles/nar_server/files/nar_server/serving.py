# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process that serves: it takes another configuration when it is given one, and stops in order."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import time
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

from . import signals
from .badges import without_length
from .config import Config
from .http import HttpServer, Request, Response
from .keys import KeyFormatError
from .metrics import Shared
from .options import ConfigError
from .site import Site

LOGGER = logging.getLogger("nar_server")
# Answers under way when the server is told to stop have this long to finish.
GRACE_SECONDS = 10
# What a worker says once it serves what it was told to.
SERVING = "serving"
# The name of the cells in which workers write down when their loops ran last.
HEARTBEAT = "heartbeat"


@dataclass(frozen=True, slots=True)
class Common:
    """What all workers have. ``beat_every``: seconds between their signs of life, None for none."""

    shared: Shared
    sockets: Sequence[socket.socket]
    beat_every: float | None


class SharedLoad:
    """How many connections each worker has, for all of them to see."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._place = shared.place("connections")
        self._mine = 0
        shared.mark(self._place, 0)

    def tell(self, connections: int) -> None:
        """How many this one has now."""
        self._mine = connections
        self._shared.mark(self._place, connections)

    def large(self) -> bool:
        """Whether another one has fewer."""
        return any(self._shared.marked(worker, self._place) < self._mine for worker in range(self._shared.workers))


class Serving:
    """Serves a site on sockets, and another site after a reload, with the same connections.

    ``control`` brings configurations and takes answers; when its other end closes, the server stops.
    """

    def __init__(self, config: Config, common: Common, control: Connection) -> None:
        """Raises ConfigError, KeyFormatError or OSError when the configuration cannot be served."""
        self._common = common
        self._control = control
        self._heartbeat = common.shared.place(HEARTBEAT)
        self._site = Site.of(config, common.shared)
        self._retiring: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """Answer one request."""
        return self._site.handle(request)

    def _told(self) -> None:
        """The main process sent a configuration, or is gone."""
        try:
            config: Config = self._control.recv()
        except (EOFError, OSError):
            asyncio.get_running_loop().remove_reader(self._control.fileno())
            self._stop.set()
            return
        try:
            site = Site.of(config, self._common.shared)
        except (ConfigError, KeyFormatError, OSError) as problem:
            # The main process has tried it: a file was changed or taken away since then.
            LOGGER.error("not reloaded, the old configuration stays in one worker: %s", problem)
        else:
            old, self._site = self._site, site
            task = asyncio.ensure_future(old.retire())
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)
        self._say_serving()

    def _say_serving(self) -> None:
        try:
            self._control.send(SERVING)
        except OSError:
            self._stop.set()

    def _beat(self) -> None:
        if self._common.beat_every is not None:
            self._common.shared.mark(self._heartbeat, time.monotonic())
            asyncio.get_running_loop().call_later(self._common.beat_every, self._beat)

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT, or until the main process is gone."""
        loop = asyncio.get_running_loop()
        for number in signals.STOPPING:
            loop.add_signal_handler(number, self._stop.set)
        # They were held back while this process had the main process's way of taking them.
        signals.release()
        server = HttpServer(without_length(self.handle), share=SharedLoad(self._common.shared))
        server.listen(self._common.sockets)
        loop.add_reader(self._control.fileno(), self._told)
        self._beat()
        self._say_serving()
        await self._stop.wait()
        server.leave()
        for listener in self._common.sockets:
            listener.close()
        end = loop.time() + GRACE_SECONDS
        await server.shutdown(GRACE_SECONDS)
        finishing = {asyncio.ensure_future(self._site.finish()), *self._retiring}
        _done, late = await asyncio.wait(finishing, timeout=max(0.0, end - loop.time()))
        for task in late:
            task.cancel()
        await self._site.close()


def work(number: int, config: Config, common: Common, control: Connection, foreign: Iterable[Connection]) -> None:
    """Serve, in a process of its own. ``foreign``: ends of pipes that are other processes'."""
    signals.forked()
    for each in foreign:
        each.close()
    common.shared.become(number)

    async def serve() -> None:
        await Serving(config, common, control).run()

    try:
        asyncio.run(serve())
    except (ConfigError, KeyFormatError, OSError) as problem:
        LOGGER.error("%s", problem)
        sys.exit(1)
