# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process that serves: it listens, reads its configuration again when told to, and stops in order."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Awaitable, Iterable
from pathlib import Path

from .badges import without_length
from .config import Config, load_config
from .http import HttpServer, Request, Response
from .keys import KeyFormatError
from .metrics import Shared
from .options import ConfigError
from .site import Site
from .systemd import keep_alive, notify, notify_reloading

LOGGER = logging.getLogger("nar_server")
# Answers under way when the server is told to stop have this long to finish.
_GRACE_SECONDS = 10


class Serving:
    """Serves a site on sockets, and another site after a reload, with the same connections."""

    def __init__(self, path: Path, config: Config, shared: Shared) -> None:
        """Raises ConfigError, KeyFormatError or OSError when the configuration cannot be served."""
        self._path = path
        self._config = config
        self._shared = shared
        self._site = Site.of(config, shared)
        self._retiring: set[asyncio.Task[None]] = set()

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """Answer one request."""
        return self._site.handle(request)

    def reload(self) -> None:
        """Read the configuration again; one that has mistakes changes nothing."""
        notify_reloading()
        try:
            config = load_config(self._path)
            site = Site.of(config, self._shared)
        except (ConfigError, KeyFormatError, OSError) as problem:
            LOGGER.error("not reloaded, the old configuration stays: %s", problem)
        else:
            if config.listen != self._config.listen:
                LOGGER.warning("'listen' takes effect when the server restarts")
            old, self._site, self._config = self._site, site, config
            task = asyncio.ensure_future(old.retire())
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)
            LOGGER.info("reloaded: serving %s", self.described())
        notify("READY=1")

    def described(self) -> str:
        """What is served, in a line."""
        return ", ".join(f"{view.name} ({view.store.directory}, {view.priority})" for view in self._site.views)

    async def run(self, sockets: Iterable[socket.socket]) -> None:
        """Serve until SIGTERM or SIGINT."""
        sockets = list(sockets)
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, self.reload)
        server = HttpServer(without_length(self.handle))
        server.listen(sockets)
        LOGGER.info("serving %s on %s", self.described(), ", ".join(map(bound_to, sockets)))
        notify("READY=1")
        alive = asyncio.ensure_future(keep_alive())
        await stop.wait()
        alive.cancel()
        notify("STOPPING=1")
        for listener in sockets:
            listener.close()
        await server.shutdown(_GRACE_SECONDS)
        for task in self._retiring:
            task.cancel()
        await self._site.close()


def bound_to(listener: socket.socket) -> str:
    """Where a socket listens."""
    name = listener.getsockname()
    return f"{name[0]}:{name[1]}" if isinstance(name, tuple) else str(name)
