# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers that Nix badges can pass on: docs/badges.md says what badges do with them."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import replace

from .http import Body, Handler, Request, Response, Sender
from .http.message import Data

USER_AGENT = "ESP32 HTTP Client/"
"""How the HTTP client of ESP-IDF calls itself."""


def is_badge(request: Request) -> bool:
    """Whether a badge asks."""
    return request.headers.get("user-agent", "").startswith(USER_AGENT)


def without_length(handler: Handler) -> Handler:
    """A handler that gives badges its answers in chunks.

    A badge copies Content-Length beside the chunks that it sends itself, and the next badge refuses that.
    """

    async def settle(answer: Awaitable[Response]) -> Response:
        return _chunked(await answer)

    def handle(request: Request) -> Response | Awaitable[Response]:
        answer = handler(request)
        if not is_badge(request):
            return answer
        return _chunked(answer) if isinstance(answer, Response) else settle(answer)

    return handle


def _chunked(response: Response) -> Response:
    return replace(response, body=_Unmeasured(response.body))


class _Unmeasured(Body):
    """A body whose length is not told, and is held to all the same."""

    length = None

    def __init__(self, body: bytes | Body) -> None:
        self._body = body

    async def send(self, sender: Sender) -> None:
        if not isinstance(self._body, Body):
            await sender.write(self._body)
            return
        counting = _Counting(sender)
        await self._body.send(counting)
        if self._body.length not in (None, counting.sent):
            raise ValueError(f"the body has {counting.sent} bytes instead of {self._body.length}")

    def close(self) -> None:
        if isinstance(self._body, Body):
            self._body.close()


class _Counting(Sender):
    """A sender that knows how many bytes it was given."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self.sent = 0

    async def write(self, data: Data) -> None:
        await self._sender.write(data)
        self.sent += len(data)

    async def write_parts(self, parts: Sequence[Data]) -> None:
        await self._sender.write_parts(parts)
        self.sent += sum(map(len, parts))

    async def sendfile(self, descriptor: int, offset: int, count: int) -> None:
        await self._sender.sendfile(descriptor, offset, count)
        self.sent += count
