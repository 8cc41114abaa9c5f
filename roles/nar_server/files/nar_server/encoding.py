# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""NARs coded with zstd while they are sent (RFC 8878, 9659), for clients that want it: a content coding of HTTP."""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import zstandard

from .accept_encoding import accepts
from .badges import is_badge
from .http import Body, Request, Response, Sender
from .http.message import Data
from .options import ConfigError

if TYPE_CHECKING:
    from .app import RouteHandler
    from .routes import Nar
    from .views import View

CODING = "zstd"
# RFC 9659 lets clients refuse more than 8 MiB.
_MOST_WINDOW_LOG = 23
# So much is read, coded and sent at once.
_SLICE = 256 * 1024
_OK = 200
_PARTIAL = 206
_VARY = {"Vary": "Accept-Encoding"}


def _parameters(level: int) -> zstandard.ZstdCompressionParameters:
    plain = zstandard.ZstdCompressionParameters.from_level(level)
    return zstandard.ZstdCompressionParameters.from_level(level, window_log=min(plain.window_log, _MOST_WINDOW_LOG))


def encoder_memory(level: int) -> int:
    """Bytes that a NAR takes while it is coded: the library's tables and window, and what goes in and out."""
    parameters = _parameters(level)
    return int(parameters.estimated_compression_context_size()) + (1 << parameters.window_log) + 4 * _SLICE


class Encoders:
    """Codes as many NARs at once as ``memory`` bytes allow; those that come meanwhile are sent plain."""

    def __init__(self, level: int, memory: int) -> None:
        """Raises ConfigError when there is not enough memory for one."""
        needed = encoder_memory(level)
        if memory < needed:
            text = f"at level {level} a NAR takes {needed} bytes, and each worker has {memory} for all that it codes"
            raise ConfigError(f"zstd.memory: {text}; give more, or choose a lower level")
        self._parameters = _parameters(level)
        self._free = memory // needed
        # Threads of its own: those that wait for the disk do not wait for these. They end when nobody holds this.
        self._threads = ThreadPoolExecutor(os.cpu_count(), "zstd")

    def coding(self, handler: RouteHandler) -> RouteHandler:
        """A handler that answers as ``handler`` does, with NARs coded for those who want it."""

        async def later(answer: Awaitable[Response], request: Request) -> Response:
            return self._coded(request, await answer)

        def handle(request: Request, view: View, route: Nar) -> Response | Awaitable[Response]:
            answer = handler(request, view, route)
            return self._coded(request, answer) if isinstance(answer, Response) else later(answer, request)

        return handle

    def _coded(self, request: Request, response: Response) -> Response:
        if response.status not in (_OK, _PARTIAL) or not isinstance(response.body, Body):
            return response
        headers = {**response.headers, **_VARY}
        if not (self._free and _wanted(request)):
            return replace(response, headers=headers)
        # A range would be one of the coded bytes, which are not the same each time.
        headers.pop("Accept-Ranges", None)
        if request.method == "HEAD":
            body = EncodedBody(response.body, self)
        else:
            self._free -= 1
            body = EncodedBody(response.body, self, self._release)
        return replace(response, body=body, headers={**headers, "Content-Encoding": CODING})

    def _release(self) -> None:
        self._free += 1

    def start(self, size: int | None) -> zstandard.ZstdCompressionObj:
        """A coder of a body of ``size`` bytes; with another number of them, it raises ZstdError at the end."""
        compressor = zstandard.ZstdCompressor(compression_params=self._parameters)
        return compressor.compressobj(size=-1 if size is None else size)

    async def run(self, work: Callable[[], bytes]) -> bytes:
        """Let a thread do this."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _wanted(request: Request) -> bool:
    """Whether the answer to this request may be coded. Its length is not known: it has to be sent in chunks."""
    headers = request.headers
    plain = not request.chunks or "range" in headers or is_badge(request)
    return not plain and accepts(headers.get("accept-encoding", ""), CODING)


class EncodedBody(Body):
    """Sends a body coded. ``done`` is called when it is closed."""

    length = None

    def __init__(self, body: Body, encoders: Encoders, done: Callable[[], object] = lambda: None) -> None:
        self._body = body
        self._encoders = encoders
        self._done = done

    async def send(self, sender: Sender) -> None:
        """Send it; the end is sent only when the plain body had its length. Raises what that raises, and ZstdError."""
        coding = _Coding(sender, self._encoders, self._body.length)
        await self._body.send(coding)
        await coding.finish()

    def close(self) -> None:
        """Close it."""
        self._body.close()
        self._done()


class _Coding(Sender):
    """Codes what it is given, a slice at a time, and sends on what comes of it."""

    def __init__(self, sender: Sender, encoders: Encoders, size: int | None) -> None:
        self._sender = sender
        self._encoders = encoders
        self._coder = encoders.start(size)

    async def _send(self, work: Callable[[], bytes]) -> None:
        if coded := await self._encoders.run(work):
            await self._sender.write(coded)

    async def write(self, data: Data) -> None:
        for start in range(0, len(data), _SLICE):
            part = memoryview(data)[start : start + _SLICE]
            await self._send(functools.partial(self._coder.compress, part))

    async def write_parts(self, parts: Sequence[Data]) -> None:
        for part in parts:
            await self.write(part)

    async def sendfile(self, descriptor: int, offset: int, count: int) -> None:
        def work(position: int, size: int) -> bytes:
            data = os.pread(descriptor, size, position)
            if len(data) != size:
                raise EOFError("the file ends before")
            return self._coder.compress(data)

        end = offset + count
        for start in range(offset, end, _SLICE):
            await self._send(functools.partial(work, start, min(_SLICE, end - start)))

    async def finish(self) -> None:
        """Send the end."""
        await self._send(self._coder.flush)
