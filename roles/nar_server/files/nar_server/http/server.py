# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server: listening sockets, connections, time limits."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from typing import Protocol

from .connection import Connection, Phase
from .message import Handler, Request, Response
from .rendering import failure

LOGGER = logging.getLogger("nar_server")
_ACCEPT_PAUSE_SECONDS = 0.5
# A process with many connections leaves a new one to the others for so long.
_YIELD_SECONDS = 0.002
_OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds a connection may take.

    ``idle``: between requests, longer than nginx keeps an idle connection to a backend (60); ``head``: from a request's
    first byte to its last; ``send``: without the client taking anything; ``linger``: to close its side.
    """

    idle: float = 90
    head: float = 10
    send: float = 300
    linger: float = 2

    def of(self, phase: Phase) -> float | None:
        """The limit of a phase; None when the client has no part in it."""
        limits = {Phase.IDLE: self.idle, Phase.HEAD: self.head, Phase.SENDING: self.send, Phase.LINGERING: self.linger}
        return limits.get(phase)


class Share(Protocol):
    """This process's share of the connections to sockets that several processes listen on."""

    def tell(self, connections: int) -> None:
        """How many it has now."""

    def large(self) -> bool:
        """Whether another process has fewer."""


class HttpServer:
    """Gives requests to a handler and sends what it answers."""

    def __init__(self, handler: Handler, timeouts: Timeouts = Timeouts(), share: Share | None = None) -> None:
        self._share = share
        self._handler = handler
        self._timeouts = timeouts
        self._connections: set[Connection] = set()
        self._listeners: list[socket.socket] = []
        self._loop = asyncio.get_running_loop()
        self._sweep = self._loop.call_later(1, self._expire)

    def listen(self, listeners: Iterable[socket.socket]) -> None:
        """Accept connections on these sockets, which may be other processes' too."""
        for listener in listeners:
            listener.setblocking(False)
            self._listeners.append(listener)
            self._loop.add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        if self._share is not None and self._share.large():
            self._loop.remove_reader(listener)
            self._loop.call_later(_YIELD_SECONDS, self._accept_after_others, listener)
        else:
            self._take(listener)

    def _accept_after_others(self, listener: socket.socket) -> None:
        if listener in self._listeners:
            self._loop.add_reader(listener, self._accept, listener)
            self._take(listener)

    def _take(self, listener: socket.socket) -> None:
        # One at a time: the next one is for whichever process has nothing better to do.
        try:
            connection, _address = listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as problem:
            if problem.errno not in _OUT_OF_RESOURCES:
                raise
            LOGGER.error("cannot accept connections just now: %s", problem.strerror)
            self._loop.remove_reader(listener)
            self._loop.call_later(_ACCEPT_PAUSE_SECONDS, self._accept_again, listener)
            return
        connection.setblocking(False)
        if connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connections.add(Connection(self, connection))
        self._tell()

    def _tell(self) -> None:
        if self._share is not None:
            self._share.tell(len(self._connections))

    def _accept_again(self, listener: socket.socket) -> None:
        if listener in self._listeners:
            self._loop.add_reader(listener, self._accept, listener)

    def answer(self, request: Request) -> Response | Awaitable[Response]:
        """The handler's answer to a request."""
        try:
            return self._handler(request)
        except Exception:
            LOGGER.exception("no answer to %s", request.target)
            return failure(500)

    async def settle(self, answer: Awaitable[Response]) -> Response:
        """The answer of a handler that had to wait."""
        try:
            return await answer
        except Exception:
            LOGGER.exception("no answer to a request")
            return failure(500)

    def forget(self, connection: Connection) -> None:
        """The connection is closed."""
        self._connections.discard(connection)
        self._tell()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    def _expire(self) -> None:
        now = self._loop.time()
        for connection in list(self._connections):
            limit = self._timeouts.of(connection.phase)
            if limit is not None and now - connection.since > limit:
                connection.expire()
        self._sweep = self._loop.call_later(1, self._expire)

    def leave(self) -> None:
        """Accept nothing more. Called before a listening socket is closed that other processes have open too."""
        for listener in self._listeners:
            self._loop.remove_reader(listener)
        self._listeners.clear()

    async def shutdown(self, grace: float) -> None:
        """Accept nothing more, finish answers under way within ``grace`` seconds, and cut the others."""
        self.leave()
        for connection in list(self._connections):
            connection.stop()
        end = self._loop.time() + grace
        while self._connections and self._loop.time() < end:
            await asyncio.sleep(0.02)
        self._sweep.cancel()
        for connection in list(self._connections):
            connection.abort()
        # Bodies let go of what they hold.
        await asyncio.sleep(0)
