# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers to bytes: the head, and answers to what is no request."""

from __future__ import annotations

import functools
import time
from email.utils import formatdate

from .message import REASONS, Body, Response

SERVER = "nar-server"


def render_head(response: Response, *, chunked: bool, keep: bool, http_1_0: bool = False) -> bytes:
    """The head of an answer up to its Date."""
    body = response.body
    lines = [
        f"HTTP/1.1 {response.status} {REASONS.get(response.status, '')}",
        f"Server: {SERVER}",
        f"Content-Type: {response.content_type}",
    ]
    length = body.length if isinstance(body, Body) else len(body)
    if length is not None:
        lines.append(f"Content-Length: {length}")
    elif chunked:
        lines.append("Transfer-Encoding: chunked")
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    if not keep:
        lines.append("Connection: close")
    elif http_1_0:
        lines.append("Connection: keep-alive")
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1")


@functools.lru_cache(maxsize=2)
def _date(second: int) -> bytes:
    return f"Date: {formatdate(second, usegmt=True)}\r\n\r\n".encode("ascii")


def date_and_end() -> bytes:
    """The Date and the end of a head."""
    return _date(int(time.time()))


def failure(status: int) -> Response:
    """An answer that says no more than its status, and that no cache keeps."""
    return Response(status, f"{REASONS[status].lower()}\n".encode(), headers={"Cache-Control": "no-store"})
