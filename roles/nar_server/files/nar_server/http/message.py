# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What handlers are given and what they give back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

Data = bytes | bytearray | memoryview

REASONS = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Request:
    """A request without a body. ``target`` is as the client sent it; names of headers are in lower case.

    ``chunks``: the answer may be sent in chunks, as HTTP/1.1 has them. One that came before may be given again: nothing
    of it may be changed.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    chunks: bool = True

    @property
    def path(self) -> str:
        """The target before its question mark."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The target behind its question mark; empty when there is none."""
        return self.target.partition("?")[2]

    @property
    def host(self) -> str:
        """The Host header; empty when there is none, which only HTTP/1.0 allows."""
        return self.headers.get("host", "")


class Sender(ABC):
    """The connection as a body sees it. Each call returns when the kernel has taken everything, so at the client's
    speed; ConnectionError when the client is gone."""

    @abstractmethod
    async def write(self, data: Data) -> None:
        """Send bytes."""

    @abstractmethod
    async def write_parts(self, parts: Sequence[Data]) -> None:
        """Send bytes that lie in several places, without joining them."""

    @abstractmethod
    async def sendfile(self, descriptor: int, offset: int, count: int) -> None:
        """Let the kernel send ``count`` bytes of a file; EOFError when the file ends before."""


class Body(ABC):
    """A body that sends itself.

    ``length`` is its size in bytes, None when it is not known before: the answer is then sent in chunks. What ``send``
    raises cuts the connection, as does another number of bytes than ``length``: the client never takes part of a body
    for the whole.
    """

    length: int | None = None

    @abstractmethod
    async def send(self, sender: Sender) -> None:
        """Send the body. Not called for HEAD."""

    def close(self) -> None:  # noqa: B027  (most hold nothing)
        """Let go of what the body holds. Called exactly once, whether it was sent or not."""


@dataclass(slots=True)
class Response:
    """An answer. Content-Length, Transfer-Encoding, Connection, Date and Server are set by the server."""

    status: int
    body: bytes | Body = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    # The head as bytes once it was sent: an answer that is kept and given again costs nothing more.
    rendered: bytes | None = field(default=None, init=False, repr=False, compare=False)


# A handler that need not wait answers at once; one that must is a coroutine. What it raises becomes a 500.
Handler = Callable[[Request], Response | Awaitable[Response]]
