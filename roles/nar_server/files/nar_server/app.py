# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server: requests in, texts and NARs out. What to say is decided elsewhere."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterator
from typing import TypeVar

from aiohttp import web

from .database import DatabaseUnavailableError
from .nar import FileContent, NarError, Piece, batches, open_file, piece_size
from .narinfo import render_cache_info, render_narinfo
from .path_info import MalformedRowError, PathInfo
from .policy import Decision
from .routes import CacheInfo, Health, Nar, Narinfo, parse_target
from .views import View, Views

LOGGER = logging.getLogger("nar_server")
# Seconds to wait before asking again: a writer holds locks for a moment when it recovers or truncates the log.
_PAUSES = (0.01, 0.05, 0.2)
_RETRY_AFTER_SECONDS = 5
_METHODS = ("GET", "HEAD")
_Answer = TypeVar("_Answer")


def _text(status: int, text: str, content_type: str = "text/plain", **headers: str) -> web.Response:
    """A short answer. Failures are not to be remembered by a cache in between."""
    if status >= web.HTTPBadRequest.status_code:
        headers["Cache-Control"] = "no-store"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.Response(status=status, text=text, content_type=content_type, headers={"Server": "nar-server", **named})


def _not_found() -> web.Response:
    return _text(404, "not found\n")


class NarServer:
    """Answers the requests of all views."""

    def __init__(self, views: Views) -> None:
        self._views = views
        self._withheld: set[tuple[str, str]] = set()
        self._readable = True

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        if request.method not in _METHODS:
            return _text(405, "only GET and HEAD\n", Allow=", ".join(_METHODS))
        try:
            return await self._answer(request)
        except DatabaseUnavailableError as problem:
            if self._readable:
                LOGGER.error("%s", problem)
            self._readable = False
            return _text(503, "the store cannot be read just now\n", Retry_After=str(_RETRY_AFTER_SECONDS))

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        found = self._views.find(request.headers.get("Host", ""), request.raw_path)
        if found is None:
            return _not_found()
        view, target = found
        match parse_target(target):
            case CacheInfo():
                return _text(200, render_cache_info(view.store.directory, view.priority), "text/x-nix-cache-info")
            case Health():
                await self._ask(view.store.database.probe)
                return _text(200, "ok\n")
            case Narinfo(hash_part):
                return await self._narinfo(view, hash_part)
            case Nar(hash_part, nar_hash):
                return await self._nar(request, view, hash_part, nar_hash)
            case _:
                return _not_found()

    async def _ask(self, question: Callable[[], _Answer]) -> _Answer:
        """The database's answer, asked for again while a writer is in the way. Raises DatabaseUnavailableError."""
        for pause in _PAUSES:
            try:
                answer = question()
                break
            except DatabaseUnavailableError as problem:
                if not problem.busy:
                    raise
                await asyncio.sleep(pause)
        else:
            answer = question()
        if not self._readable:
            LOGGER.warning("Nix's database can be read again")
        self._readable = True
        return answer

    async def _find(self, view: View, hash_part: str) -> tuple[PathInfo, Decision] | None:
        """The path, when it is valid, on disk and not hidden, and what to serve of it."""
        try:
            info = await self._ask(lambda: view.store.database.lookup(hash_part))
        except MalformedRowError as problem:
            LOGGER.error("%s", problem)
            return None
        if info is None or not os.path.lexists(view.store.real_path(info.path)):
            return None
        decision = view.policy.decide(info)
        if decision.withheld and (view.name, hash_part) not in self._withheld:
            self._withheld.add((view.name, hash_part))
            LOGGER.warning("nothing vouches for %s: not signed (%d such paths)", info.path, len(self._withheld))
        return None if decision.hidden else (info, decision)

    async def _narinfo(self, view: View, hash_part: str) -> web.Response:
        found = await self._find(view, hash_part)
        if found is None:
            return _not_found()
        info, decision = found
        return _text(200, render_narinfo(info, view.store.directory, decision.signatures), "text/x-nix-narinfo")

    async def _nar(self, request: web.BaseRequest, view: View, hash_part: str, nar_hash: str) -> web.StreamResponse:
        found = await self._find(view, hash_part)
        if found is None or found[0].nar_hash_base32 != nar_hash:
            return _not_found()
        info, _unused = found
        response = web.StreamResponse(headers={"Server": "nar-server", "Content-Type": "application/x-nix-nar"})
        response.content_length = info.nar_size
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        transport = request.transport
        try:
            await _send(response, transport, batches(view.store.real_path(info.path)), info.nar_size)
        except ConnectionError:
            LOGGER.debug("a client left before it had all of %s", info.path)
        except (OSError, NarError) as problem:
            LOGGER.error("cut the connection while sending %s: %s", info.path, problem)
            if transport is not None:
                transport.abort()
        return response


async def _send(
    response: web.StreamResponse, transport: asyncio.Transport | None, pieces: Iterator[Piece], size: int
) -> None:
    """Send the pieces, which must be ``size`` bytes together.

    The last piece leaves only when all of them have been read and their sizes add up: a client never gets ``size``
    bytes of something else. Raises NarError or OSError otherwise, ConnectionError when the client is gone.
    """
    remaining = size
    piece = await asyncio.to_thread(next, pieces, None)
    while piece is not None:
        following = await asyncio.to_thread(next, pieces, None)
        remaining -= piece_size(piece)
        if remaining < 0 or (remaining == 0) != (following is None):
            raise NarError(f"its NAR is not of the {size} bytes the database says")
        if isinstance(piece, bytes):
            await response.write(piece)
        else:
            await _send_file(transport, piece)
        piece = following


async def _send_file(transport: asyncio.Transport | None, content: FileContent) -> None:
    """Let the kernel send a large file. Raises NarError when it shrank, ConnectionError when the client left."""
    if transport is None or transport.is_closing():
        raise ConnectionError("the client left")
    with open(open_file(content), "rb", buffering=0) as file:  # noqa: PTH123
        sent = await asyncio.get_running_loop().sendfile(transport, file, 0, content.size)
    if sent != content.size:
        raise NarError(f"{os.fsdecode(content.path)} became shorter while it was sent")
