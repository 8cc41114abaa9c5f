# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sending on a socket that does not block: bytes, bytes in several places, and files."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Sequence

from .message import Data, Sender

# More parts than this are not taken by one system call (IOV_MAX).
_MAX_PARTS = 1024
# One call sends no more of a file, and others on the loop have their turn after so many bytes at the latest.
SLICE = 2 * 1024 * 1024


class SocketSender(Sender):
    """Sends on a socket, waiting when the client does not take more. Counts in ``sent`` what the kernel took."""

    def __init__(self, connection: socket.socket, waits: Callable[[bool], None]) -> None:
        """``waits`` is told when the client has to take something first (True), and when it did (False)."""
        self._socket = connection
        self._descriptor = connection.fileno()
        self._loop = asyncio.get_running_loop()
        self._waits = waits
        self._waiter: asyncio.Future[None] | None = None
        self._turn = SLICE
        self._closed = False
        self.sent = 0

    def try_send(self, data: Data, more: bool = False) -> int:
        """Send at once what goes; the number of bytes. ``more``: the rest of a packet follows."""
        self._check()
        try:
            count = self._socket.send(data, socket.MSG_MORE if more else 0)
        except (BlockingIOError, InterruptedError):
            return 0
        self.sent += count
        return count

    async def ready(self) -> None:
        """Wait until the client takes more."""
        self._check()
        await self._writable()

    async def write(self, data: Data, more: bool = False) -> None:
        """Send bytes."""
        count = self.try_send(data, more)
        if count < len(data):
            rest = memoryview(data)[count:]
            while rest:
                await self._writable()
                rest = rest[self.try_send(rest, more) :]
        await self._yield_after(len(data))

    async def write_parts(self, parts: Sequence[Data]) -> None:
        """Send bytes that lie in several places."""
        for start in range(0, len(parts), _MAX_PARTS):
            some = parts[start : start + _MAX_PARTS]
            size = sum(map(len, some))
            self._check()
            try:
                count = self._socket.sendmsg(some)
            except (BlockingIOError, InterruptedError):
                count = 0
            self.sent += count
            if count < size:
                await self.write(memoryview(b"".join(some))[count:])
            else:
                await self._yield_after(size)

    async def sendfile(self, descriptor: int, offset: int, count: int) -> None:
        """Let the kernel send part of a file."""
        end = offset + count
        while offset < end:
            self._check()
            try:
                sent = os.sendfile(self._descriptor, descriptor, offset, min(end - offset, SLICE))
            except (BlockingIOError, InterruptedError):
                await self._writable()
                continue
            if sent == 0:
                raise EOFError("the file ends before")
            offset += sent
            self.sent += sent
            await self._yield_after(sent)

    def _check(self) -> None:
        # The descriptor's number may be another connection's by now.
        if self._closed:
            raise ConnectionAbortedError("the connection was closed")

    async def _yield_after(self, count: int) -> None:
        """Let others have their turn when one client takes all that it is given."""
        self._turn -= count
        if self._turn <= 0:
            self._turn = SLICE
            await asyncio.sleep(0)

    async def _writable(self) -> None:
        self._turn = SLICE
        self._waiter = self._loop.create_future()
        self._loop.add_writer(self._descriptor, self._wake)
        self._waits(True)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if not self._closed:
                self._loop.remove_writer(self._descriptor)
                self._waits(False)

    def close(self) -> None:
        """The connection is closed: whoever waits gets ConnectionError."""
        if self._waiter is not None:
            self._loop.remove_writer(self._descriptor)
            if not self._waiter.done():
                self._waiter.set_exception(ConnectionAbortedError("the connection was closed"))
        self._closed = True

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class ChunkedSender(Sender):
    """Frames what is sent as chunks (RFC 9112, 7.1)."""

    def __init__(self, sender: SocketSender) -> None:
        self._sender = sender

    async def write(self, data: Data) -> None:
        """Send bytes as one chunk."""
        if data:
            await self._sender.write_parts((b"%x\r\n" % len(data), data, b"\r\n"))

    async def write_parts(self, parts: Sequence[Data]) -> None:
        """Send bytes that lie in several places as one chunk."""
        if size := sum(map(len, parts)):
            await self._sender.write_parts((b"%x\r\n" % size, *parts, b"\r\n"))

    async def sendfile(self, descriptor: int, offset: int, count: int) -> None:
        """Send part of a file as one chunk."""
        if count:
            await self._sender.write(b"%x\r\n" % count, more=True)
            await self._sender.sendfile(descriptor, offset, count)
            await self._sender.write(b"\r\n")

    async def finish(self) -> None:
        """Say that this was all."""
        await self._sender.write(b"0\r\n\r\n")
