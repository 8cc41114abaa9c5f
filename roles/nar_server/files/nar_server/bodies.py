# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bodies that are made while they are sent."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Generator, Iterable

from .http import Body, Sender
from .page_cache import send_file

_BATCH = 64 * 1024


def batched(pieces: Iterable[bytes]) -> Generator[bytes, None, None]:
    """The same bytes in fewer pieces."""
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        if len(buffer) >= _BATCH:
            yield bytes(buffer)
            buffer.clear()
    if buffer:
        yield bytes(buffer)


class AnnouncedBody(Body):
    """A body that is announced and not sent, for HEAD. ``length``: None when it is not known before."""

    def __init__(self, length: int | None) -> None:
        self.length = length

    async def send(self, sender: Sender) -> None:
        """Never called."""
        raise AssertionError("an answer to HEAD has no body")


class GeneratedBody(Body):
    """Sends what a generator makes, a batch at a time, each made by a thread. Its length is not known before."""

    def __init__(self, first: bytes, rest: Generator[bytes, None, None]) -> None:
        self._first = first
        self._rest = rest

    async def send(self, sender: Sender) -> None:
        """Send all of it."""
        piece: bytes | None = self._first
        while piece is not None:
            await sender.write(piece)
            piece = await asyncio.to_thread(next, self._rest, None)

    def close(self) -> None:
        """Let the generator close its files; one that a thread is in does so when nobody holds it any more."""
        with contextlib.suppress(ValueError):
            self._rest.close()


async def generated(pieces: Iterable[bytes]) -> GeneratedBody:
    """The body of these pieces. What the first batch raises is raised here, before any answer was begun."""
    rest = batched(pieces)
    return GeneratedBody(await asyncio.to_thread(next, rest, b""), rest)


class StreamBody(Body):
    """Sends a stream of known length. ``first`` has come already."""

    def __init__(self, length: int, first: bytes, rest: AsyncIterator[bytes], done: Callable[[], object]) -> None:
        self.length = length
        self._first = first
        self._rest = rest
        self._done = done

    async def send(self, sender: Sender) -> None:
        """Send all of it."""
        # A slow client has one piece in memory: the first is let go of before the next is read.
        first, self._first = self._first, b""
        await sender.write(first)
        del first
        async for data in self._rest:
            await sender.write(data)

    def close(self) -> None:
        """Let go of the stream."""
        self._done()


class FileBody(Body):
    """Sends bytes ``first`` to before ``last`` of a file, by its descriptor, which ``close`` closes."""

    def __init__(self, descriptor: int, span: tuple[int, int], close: Callable[[], object]) -> None:
        self._first, self._last = span
        self.length = self._last - self._first
        self._descriptor = descriptor
        self._close = close

    async def send(self, sender: Sender) -> None:
        """Send as much as was announced; EOFError when the file became shorter."""
        await send_file(sender, self._descriptor, self._first, self._last)

    def close(self) -> None:
        """Close the file."""
        self._close()


class CountedBody(Body):
    """Tells how a body ended: ``sent`` is called when all of it was, ``cut`` when the server could not finish it."""

    def __init__(self, body: Body, sent: Callable[[int], object], cut: Callable[[], object]) -> None:
        self.length = body.length
        self._body = body
        self._sent = sent
        self._cut = cut

    async def send(self, sender: Sender) -> None:
        """Send it."""
        try:
            await self._body.send(sender)
        except ConnectionError:
            # The client left.
            raise
        except Exception:
            self._cut()
            raise
        self._sent(self.length or 0)

    def close(self) -> None:
        """Close it."""
        self._body.close()
