# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One client's connection: requests in their order, each answered before the next."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Awaitable, Coroutine
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from .message import Body, Response
from .parser import BadRequestError, Head, Parser
from .reply import refused, send_body, whole
from .sending import SocketSender

if TYPE_CHECKING:
    from .server import HttpServer

LOGGER = logging.getLogger("nar_server")
_READ_SIZE = 64 * 1024
# Requests that wait for an answer before them: more are left in the kernel, so that the client has to wait.
_MAX_PENDING = 64 * 1024
# Answers to pipelined requests are joined up to this size.
_MAX_JOINED = 256 * 1024
# And so many of them at most: then others on the loop have their turn.
_MOST_JOINED = 16


class Phase(Enum):
    """What the connection waits for, each with a time limit of its own (``Timeouts``)."""

    IDLE = auto()
    HEAD = auto()
    ANSWERING = auto()
    SENDING = auto()
    LINGERING = auto()


class Connection:
    """A client's connection, from accept to close."""

    def __init__(self, server: HttpServer, connection: socket.socket) -> None:
        self._server = server
        self._socket = connection
        self._loop = asyncio.get_running_loop()
        self._parser = Parser()
        self._sender = SocketSender(connection, self._sender_waits)
        self._task: asyncio.Task[None] | None = None
        self._body: bytes | Body | None = None
        self._reading = self._closed = self._stopping = self._ended = False
        # Whether it goes on at the next turn of the loop, once however much comes meanwhile.
        self._has_turn = False
        self.phase = Phase.HEAD
        self.since = self._loop.time()
        self._read(True)

    def _read(self, wanted: bool) -> None:
        if wanted != self._reading and not self._closed:
            self._reading = wanted
            if wanted:
                # By number: asyncio would write the socket down as text each time.
                self._loop.add_reader(self._socket.fileno(), self._readable)
            else:
                self._loop.remove_reader(self._socket.fileno())

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self.since = self._loop.time()

    def _sender_waits(self, waits: bool) -> None:
        self._enter(Phase.SENDING if waits else Phase.ANSWERING)

    def _readable(self) -> None:
        try:
            data = self._socket.recv(_READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.abort()
            return
        if self.phase is Phase.LINGERING:
            if not data:
                self._close()
            return
        if not data:
            # No more requests; those that came are answered.
            self._ended = True
            self._read(False)
        self._parser.feed(data)
        if self._task is None and not self._has_turn:
            self._work()
        if self._parser.pending > _MAX_PENDING:
            self._read(False)

    def _work(self) -> None:
        """Answer the requests that are there, at once as far as that goes."""
        if self._task is not None or self._closed or self.phase is Phase.LINGERING:
            return
        replies: list[bytes] = []
        size, keep = 0, True
        while keep and size < _MAX_JOINED and len(replies) < _MOST_JOINED and self._parser.pending:
            try:
                head = self._parser.next_head()
            except BadRequestError as problem:
                replies.append(refused(problem))
                keep = False
                break
            if head is None:
                break
            answer = self._server.answer(head.request)
            if not isinstance(answer, Response) or not isinstance(answer.body, bytes):
                if isinstance(answer, Response):
                    self._body = answer.body
                self._start(self._respond(head, answer, b"".join(replies)))
                return
            keep = head.keep and not self._stopping
            replies.append(whole(answer, head, keep))
            size += len(replies[-1])
        if not replies:
            self._wait()
            return
        data = replies[0] if len(replies) == 1 else b"".join(replies)
        try:
            count = self._sender.try_send(data)
        except OSError:
            self.abort()
            return
        if count < len(data):
            self._start(self._send_rest(data[count:], keep))
        else:
            self._done(keep)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._enter(Phase.ANSWERING)
        self._task = self._loop.create_task(work)
        # Also when it is cancelled before it began. At its own end it has done so: the next one may have begun by now.
        self._task.add_done_callback(lambda task: self._release() if task.cancelled() else None)

    def _release(self) -> None:
        body, self._body = self._body, None
        if isinstance(body, Body):
            body.close()

    async def _send_rest(self, data: bytes, keep: bool) -> None:
        try:
            await self._sender.write(data)
        except OSError:
            self.abort()
        self._done(keep)

    def _done(self, keep: bool) -> None:
        """An answer has been sent: go on with the next request, if there may be one."""
        self._task = None
        if self._closed:
            return
        # What is there of the next head begins now: the limit is that of one head, however many have come together.
        self._enter(Phase.IDLE)
        if not keep:
            self._linger()
        elif self._parser.pending:
            self._has_turn = True
            self._loop.call_soon(self._take_turn)
        else:
            self._wait()

    def _take_turn(self) -> None:
        self._has_turn = False
        self._work()

    def _wait(self) -> None:
        """Nothing to do until more comes."""
        if self._ended:
            self._close()
        elif self._stopping:
            self._linger()
        else:
            phase = Phase.HEAD if self._parser.pending else Phase.IDLE
            if phase is Phase.IDLE or self.phase is not Phase.HEAD:
                # The limit of a head counts from its first byte.
                self._enter(phase)
            self._read(True)

    async def _respond(self, head: Head, answer: Response | Awaitable[Response], before: bytes) -> None:
        """Send one answer that takes its time; ``before`` are answers that go before it."""
        keep = False
        try:
            response = answer if isinstance(answer, Response) else await self._server.settle(answer)
            keep = head.keep and not self._stopping
            if isinstance(response.body, Body):
                # Without chunks, the end of such a body is the end of the connection.
                keep = keep and (response.body.length is not None or head.chunks)
                self._body = response.body
                await send_body(self._sender, head, response, before, keep=keep)
            else:
                await self._sender.write(before + whole(response, head, keep))
        except ConnectionError:
            self.abort()
        except asyncio.CancelledError:
            self.abort()
            raise
        except Exception as problem:
            LOGGER.error("cut the connection while answering %s: %s", head.request.target, problem or repr(problem))
            self.abort()
        self._release()
        self._done(keep)

    def stop(self) -> None:
        """Answer what is under way, and nothing else."""
        self._stopping = True
        if self._task is None and not self._parser.pending:
            self._close()

    @property
    def busy(self) -> bool:
        """Whether an answer is under way."""
        return self._task is not None

    def _linger(self) -> None:
        """Close for sending only: a reset would take from the client what it has not read yet (RFC 9112, 9.6)."""
        if self._ended:
            self._close()
            return
        self._enter(Phase.LINGERING)
        # What came and what comes is thrown away, also where reading was held back: unread, it would become a reset.
        self._parser = Parser()
        self._read(True)
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            self._close()

    def expire(self) -> None:
        """The time limit of the phase is over."""
        if self.phase in (Phase.SENDING, Phase.ANSWERING):
            self.abort()
        else:
            self._close()

    def abort(self) -> None:
        """Cut the connection, so that the client cannot take what it has for the whole."""
        if not self._closed:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._close()

    def _close(self) -> None:
        if self._closed:
            return
        self._read(False)
        self._closed = True
        task, self._task = self._task, None
        # What came is not kept until Python finds out that nobody needs the connection any more.
        self._parser = Parser()
        self._sender.close()
        self._socket.close()
        self._server.forget(self)
        if task is not None and task is not asyncio.current_task():
            # Once it has begun: an answer that was never waited for would be complained of.
            self._loop.call_soon(task.cancel)
