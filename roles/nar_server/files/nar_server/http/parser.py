# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Heads of requests: bytes to Request, and only what RFC 9112 calls well-formed."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, replace

from .message import Request

MAX_HEAD = 16 * 1024
MAX_TARGET = 4 * 1024

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE = re.compile(rf"({_TOKEN}) ([!-~]+) HTTP/(1)\.([0-9])")
_HEADER = re.compile(rf"({_TOKEN}):([^\x00-\x08\x0a-\x1f\x7f]*)")
# The scheme and host that requests to proxies have, and the rest.
_ABSOLUTE_FORM = re.compile(r"https?://([^/?#]+)(/[!-~]*)?", re.IGNORECASE)
_END = b"\r\n\r\n"
# Clients ask for the same paths in the same words, and for others in words that differ in the target only: heads are
# parsed once, and so is what follows their request line. Longer ones are not remembered.
_REMEMBERED_HEAD = 512
_REMEMBERED_FIELDS = 1024


class BadRequestError(Exception):
    """A request that is answered with ``status`` and ends its connection."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Fields:
    """The header lines of a request, and what they say of its framing."""

    headers: dict[str, str]
    close: bool
    keep_alive: bool
    has_body: bool


@dataclass(frozen=True, slots=True)
class Head:
    """A request, and what becomes of its connection: ``keep`` it open after the answer; ``chunks`` may be sent."""

    request: Request
    keep: bool

    @property
    def chunks(self) -> bool:
        """As the request has it."""
        return self.request.chunks


def _fields(rest: bytes) -> Fields:
    """The header lines, without the last line's end. Raises BadRequestError."""
    headers: dict[str, str] = {}
    for line in rest.decode("latin-1").split("\r\n") if rest else ():
        found = _HEADER.fullmatch(line)
        if found is None:
            raise BadRequestError(400, "malformed header")
        name, value = found[1].lower(), found[2].strip(" \t")
        if name in headers:
            # Two lengths or two hosts are an attack on whoever reads the first; lists may be continued.
            if name in ("host", "content-length", "transfer-encoding"):
                raise BadRequestError(400, f"repeated {name}")
            value = f"{headers[name]}, {value}"
        headers[name] = value
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise BadRequestError(400, "malformed content-length")
    options = {option.strip().lower() for option in headers.get("connection", "").split(",")}
    return Fields(
        headers,
        close="close" in options,
        keep_alive="keep-alive" in options,
        has_body=length.strip("0") != "" or "transfer-encoding" in headers,
    )


_remembered_fields = functools.lru_cache(maxsize=256)(_fields)


def _head(text: bytes) -> Head:
    """A head without the empty line at its end. Raises BadRequestError."""
    line, _newline, rest = text.partition(b"\r\n")
    found = _REQUEST_LINE.fullmatch(line.decode("latin-1"))
    if found is None:
        raise BadRequestError(400, "malformed request line")
    method, target, _major, minor = found.groups()
    if len(target) > MAX_TARGET:
        raise BadRequestError(414, "target too long")
    fields = _remembered_fields(rest) if len(rest) <= _REMEMBERED_FIELDS else _fields(rest)
    chunks = minor != "0"
    if chunks and "host" not in fields.headers:
        raise BadRequestError(400, "no Host")
    if absolute := _ABSOLUTE_FORM.fullmatch(target):
        # Its host counts, whatever the header says, if there is one (RFC 9112, 3.2.2).
        target = absolute[2] or "/"
        fields = replace(fields, headers={**fields.headers, "host": absolute[1]})
    keep = not fields.close and (chunks or fields.keep_alive) and not fields.has_body
    return Head(Request(method, target, fields.headers, chunks), keep)


_remembered_head = functools.lru_cache(maxsize=1024)(_head)


class Parser:
    """Cuts a connection's bytes into heads."""

    def __init__(self) -> None:
        self._buffer = b""
        self._position = 0

    def feed(self, data: bytes) -> None:
        """Take more bytes."""
        self._buffer = self._buffer[self._position :] + data
        self._position = 0

    @property
    def pending(self) -> int:
        """How many bytes wait to become a head."""
        return len(self._buffer) - self._position

    def next_head(self) -> Head | None:
        """The next head; None until all of it is there. Raises BadRequestError; nothing is to be parsed after that."""
        buffer, start = self._buffer, self._position
        while buffer.startswith(b"\r\n", start):
            start += 2
        self._position = start
        end = buffer.find(_END, start)
        if end < 0 or end - start > MAX_HEAD:
            if len(buffer) - start > MAX_HEAD:
                status = 431 if buffer.find(b"\r\n", start, start + MAX_TARGET) >= 0 else 414
                raise BadRequestError(status, "request too long")
            return None
        self._position = end + len(_END)
        if self._position == len(buffer):
            self._buffer, self._position = b"", 0
        text = buffer[start:end]
        return _remembered_head(text) if len(text) <= _REMEMBERED_HEAD else _head(text)
