# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers as they go over the wire: whole ones as bytes, others sent by their bodies."""

from __future__ import annotations

from .message import Body, Response
from .parser import BadRequestError, Head
from .rendering import date_and_end, failure, render_head
from .sending import ChunkedSender, SocketSender


def refused(problem: BadRequestError) -> bytes:
    """The last answer of a connection, to what is no request."""
    response = failure(problem.status)
    return render_head(response, chunked=False, keep=False) + date_and_end() + _bytes(response)


def whole(response: Response, head: Head, keep: bool) -> bytes:
    """An answer whose body is there. ``keep``: the connection stays open."""
    plain = keep and head.chunks
    start = response.rendered if plain else None
    if start is None:
        start = render_head(response, chunked=False, keep=keep, http_1_0=not head.chunks)
        if plain:
            response.rendered = start
    return start + date_and_end() + (b"" if head.request.method == "HEAD" else _bytes(response))


def _bytes(response: Response) -> bytes:
    assert isinstance(response.body, bytes)
    return response.body


async def send_body(sender: SocketSender, head: Head, response: Response, before: bytes, *, keep: bool) -> None:
    """Send an answer whose body sends itself, after answers that go ``before``.

    Raises ValueError when the body is not as long as it said, and whatever the body raises: the connection must be cut.
    """
    body = response.body
    assert isinstance(body, Body)
    chunked = body.length is None and head.chunks
    start = before + render_head(response, chunked=chunked, keep=keep, http_1_0=not head.chunks) + date_and_end()
    if head.request.method == "HEAD":
        await sender.write(start)
        return
    await sender.write(start, more=body.length != 0)
    sender.sent = 0
    if chunked:
        chunks = ChunkedSender(sender)
        await body.send(chunks)
        await chunks.finish()
        return
    await body.send(sender)
    if body.length is not None and sender.sent != body.length:
        raise ValueError(f"the body has {sender.sent} bytes instead of {body.length}")
