# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server: requests to answers. What to say is decided elsewhere."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable
from dataclasses import astuple, dataclass
from typing import Any

from .buffers import Buffers
from .catalogue import Catalogue, Entry
from .database import DatabaseUnavailableError
from .hot_tier import HotTier, Source
from .http import Request, Response
from .layout_index import LayoutIndex
from .nar_body import NarBody
from .narinfo import render_cache_info
from .open_files import OpenFiles, allowed
from .ranges import UnsatisfiableError, parse_range
from .routes import CacheInfo, Health, Nar, Narinfo, Route, parse_target
from .views import View, Views

LOGGER = logging.getLogger("nar_server")
# Seconds to wait before asking again: a writer holds locks for a moment when it recovers or truncates the log.
_PAUSES = (0.01, 0.05, 0.2)
_RETRY_AFTER_SECONDS = 5
_METHODS = ("GET", "HEAD")
_BAD_REQUEST = 400
# What a host and a target ask for is found out once, if they are no longer than those of narinfos and NARs are.
_REMEMBERED_ADDRESS = 256

# What answers a route: with an answer, or a coroutine when it has to wait. The last argument is the route itself.
RouteHandler = Callable[[Request, View, Any], Response | Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Limits:
    """What all workers together may hold.

    ``layout_memory``: bytes of layouts; one for 130,000 files takes about 71 MiB. ``open_files``: files kept open; the
    kernel has about 1.5 KiB for each, most of it for the inode. ``buffers``: those that wait for slow clients, of about
    0.7 MiB.
    """

    layout_memory: int = 144 * 2**20
    open_files: int = 2**18
    buffers: int = 96

    def of_one(self, workers: int) -> Limits:
        """The share of one worker."""
        return Limits(*(limit // workers for limit in astuple(self)))


def text_response(status: int, text: str, content_type: str = "text/plain; charset=utf-8", **headers: str) -> Response:
    """A short answer; underscores in names of headers become dashes. Failures are not to be remembered in between."""
    if status >= _BAD_REQUEST:
        headers["Cache-Control"] = "no-store"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, text.encode("utf-8", "surrogateescape"), content_type, named)


def not_found() -> Response:
    """The answer to what is not here."""
    return text_response(404, "not found\n")


def try_later(status: int, text: str) -> Response:
    """The answer to what cannot be answered just now."""
    return text_response(status, text, Retry_After=str(_RETRY_AFTER_SECONDS))


def _at_next_turn(callback: Callable[[], None]) -> None:
    """Call it when the loop has given all requests that it found to their handlers."""
    asyncio.get_running_loop().call_soon(callback)


class NarServer:
    """Answers the requests of all views."""

    def __init__(
        self,
        views: Views,
        withheld: Callable[[View, Entry], None],
        tier: HotTier | None = None,
        limits: Limits = Limits(),
    ) -> None:
        """``withheld`` is told of each path that is asked for and that nothing vouches for, each time."""
        self._tier = tier
        self._views = views
        self._catalogues = {view.name: Catalogue(view, _at_next_turn) for view in views}
        self._layouts = LayoutIndex(limits.layout_memory)
        self._buffers = Buffers(limits.buffers)
        self._open_files = OpenFiles(allowed(limits.open_files))
        self._withheld = withheld
        self._readable = True
        # While a handler is called for a request that it was called for before.
        self.asks_again = False
        self._find_remembered = functools.lru_cache(maxsize=1024)(self._find_route)
        self.routes: dict[type[Any], RouteHandler] = {
            CacheInfo: self._cache_info,
            Health: self._health,
            Narinfo: self._narinfo,
            Nar: self._nar,
        }

    def close(self) -> None:
        """Close the files kept open."""
        self._open_files.close()

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """Answer one request, at once if nothing has to be waited for."""
        try:
            answer = self._answer(request)
        except DatabaseUnavailableError as problem:
            return self._ask_again(request) if problem.busy else self._unavailable(problem)
        return answer if isinstance(answer, Response) else self._guard(request, answer)

    async def _guard(self, request: Request, answer: Awaitable[Response]) -> Response:
        try:
            return await answer
        except DatabaseUnavailableError as problem:
            if not problem.busy:
                return self._unavailable(problem)
        return await self._ask_again(request)

    async def _ask_again(self, request: Request) -> Response:
        """Answer a request that met a writer in the database's way."""
        for pause in _PAUSES:
            await asyncio.sleep(pause)
            try:
                answer = self._answer_again(request)
                return answer if isinstance(answer, Response) else await answer
            except DatabaseUnavailableError as problem:
                last = problem
                if not problem.busy:
                    break
        return self._unavailable(last)

    def _answer_again(self, request: Request) -> Response | Awaitable[Response]:
        self.asks_again = True
        try:
            return self._answer(request)
        finally:
            self.asks_again = False

    def _unavailable(self, problem: DatabaseUnavailableError) -> Response:
        if self._readable:
            LOGGER.error("%s", problem)
        self._readable = False
        return try_later(503, "the store cannot be read just now\n")

    def _answer(self, request: Request) -> Response | Awaitable[Response]:
        if request.method not in _METHODS:
            return text_response(405, "only GET and HEAD\n", Allow=", ".join(_METHODS))
        host, target = request.host, request.target
        find = self._find_remembered if len(host) + len(target) <= _REMEMBERED_ADDRESS else self._find_route
        found = find(host, target)
        if found is None:
            return not_found()
        view, route = found
        return self.routes[type(route)](request, view, route)

    def _find_route(self, host: str, target: str) -> tuple[View, Route] | None:
        found = self._views.find(host, target)
        if found is None:
            return None
        view, inside = found
        route = parse_target(inside)
        return None if route is None else (view, route)

    def _cache_info(self, _request: Request, view: View, _route: CacheInfo) -> Response:
        return text_response(200, render_cache_info(view.store.directory, view.priority), "text/x-nix-cache-info")

    def _health(self, _request: Request, view: View, _route: Health) -> Response:
        view.store.database.probe()
        self._note_readable()
        return text_response(200, "ok\n")

    def _note_readable(self) -> None:
        if not self._readable:
            LOGGER.warning("Nix's database can be read again")
        self._readable = True

    def find(self, view: View, hash_part: str) -> Entry | None:
        """A path of a view that may be served. Raises DatabaseUnavailableError."""
        entry = self._catalogues[view.name].find(hash_part)
        self._note_readable()
        if entry is not None and entry.decision.withheld:
            self._withheld(view, entry)
        return None if entry is None or entry.decision.hidden else entry

    def _narinfo(self, _request: Request, view: View, route: Narinfo) -> Response:
        entry = self.find(view, route.hash_part)
        return not_found() if entry is None else entry.narinfo

    def _nar(self, request: Request, view: View, route: Nar) -> Response:
        entry = self.find(view, route.hash_part)
        if entry is None or entry.info.nar_hash_base32 != route.nar_hash:
            return not_found()
        size = entry.info.nar_size
        headers = {"Accept-Ranges": "bytes"}
        try:
            span = parse_range(request.headers, size) if request.method == "GET" else None
        except UnsatisfiableError:
            return text_response(416, "no such range\n", Content_Range=f"bytes */{size}")
        if span is not None:
            headers["Content-Range"] = f"bytes {span[0]}-{span[1] - 1}/{size}"
        source = Source(entry.real, entry.info.nar_hash, size)
        body = NarBody(source, span or (0, size), self._layouts, self._buffers, self._open_files, tier=self._tier)
        return Response(206 if span else 200, body, "application/x-nix-nar", headers)
