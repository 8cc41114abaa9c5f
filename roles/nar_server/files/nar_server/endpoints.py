# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is answered besides narinfos and NARs: listings, files, logs, traces, JSON, metrics, and the page for people."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from . import VERSION, routes
from .app import not_found, try_later
from .bodies import AnnouncedBody, generated
from .database import Generation
from .files import SANDBOX, open_file
from .http import Request, Response
from .listing import listing
from .logs import find_log, read_log
from .metrics import Metrics, series
from .narinfo import render_json
from .page import COUNTERS, Cache, base_url, human, render_landing, security_policy
from .page.directory import render_directory
from .path_info import PathInfo
from .places import BusyError, Places
from .policy import Decision, Mode, Paths
from .store_path import StorePath
from .traces import build_trace, realisation
from .tree import Elsewhere, parse_names, resolve
from .views import View

if TYPE_CHECKING:
    from .upstream.pull import Puller

_JSON = "application/json"
_HTML = "text/html; charset=utf-8"
# What is being made at once: a log of bzip2, or a folder of 30,000 names, takes about 4 MiB until its client has it.
_PLACES = 16
_TURN_SECONDS = 10
# A proxy waits for five.
_PATIENCE_SECONDS = 4
_COUNT_PATHS = "SELECT count(*) FROM ValidPaths"

Found = tuple[PathInfo, Decision]
Find = Callable[[View, str], Found | None]


class Endpoints:
    """Answers requests within a view. ``find`` gives what is served of a hash part, or None."""

    ROUTES = (
        routes.NarinfoJson,
        routes.Listing,
        routes.Serve,
        routes.Log,
        routes.BuildTrace,
        routes.Realisation,
        routes.Landing,
        routes.Stats,
        routes.Metrics,
        routes.Version,
    )

    def __init__(self, title: str, find: Find, metrics: Metrics, puller: Puller | None) -> None:
        self._title = title
        self._find = find
        self._metrics = metrics
        self._puller = puller
        self._places = Places(_PLACES, _TURN_SECONDS, _PATIENCE_SECONDS)
        self._path_counts: dict[str, tuple[Generation, int]] = {}

    async def answer(self, request: Request, view: View, route: routes.Route) -> Response:  # noqa: PLR0911
        """The answer to a request; raises DatabaseUnavailableError."""
        match route:
            case routes.NarinfoJson(hash_part):
                return self._json(view, hash_part)
            case routes.Listing(hash_part):
                return await self._listing(request, view, hash_part)
            case routes.Serve(hash_part, inner):
                return await self._serve(view, hash_part, inner)
            case routes.Log(base_name):
                return await self._log(view, StorePath.parse(base_name))
            case routes.BuildTrace(derivation, output):
                drv = StorePath.parse(derivation)
                return self._trace(view, build_trace(view.store.database, view.store.directory, drv, output))
            case routes.Realisation(drv_hash, output):
                drv_hash = drv_hash.replace("%3A", ":")
                found = realisation(view.store.database, view.store.directory, drv_hash, output)
                return self._trace(view, found)
            case routes.Landing():
                return self._landing(request, view)
            case routes.Stats():
                return self._stats(view)
            case routes.Metrics():
                text = self._metrics.render(self._gauges())
                return Response(200, text.encode(), "text/plain; version=0.0.4; charset=utf-8")
            case routes.Version():
                return Response(200, f"nar-server {VERSION}\n".encode())
            case _:
                return not_found()

    def _json(self, view: View, hash_part: str) -> Response:
        found = self._find(view, hash_part)
        if found is None:
            return not_found()
        info, decision = found
        return Response(200, render_json(info, view.store.directory, decision.signatures).encode(), _JSON)

    async def _listing(self, request: Request, view: View, hash_part: str) -> Response:
        found = self._find(view, hash_part)
        if found is None:
            return not_found()
        if request.method == "HEAD":
            # Without walking the path, and so without finding out whether that would do.
            return Response(200, AnnouncedBody(None), _JSON)
        return await self._made(_encoded(listing(view.store.real_path(found[0].path))), _JSON, {})

    async def _serve(self, view: View, hash_part: str, inner: str) -> Response:
        names = parse_names(inner.removeprefix("/").partition("?")[0])
        found = None if names is None else self._find(view, hash_part)
        if found is None or names is None:
            return not_found()
        path = found[0].path
        there = await asyncio.to_thread(resolve, view.store.real, view.store.directory, path, names)
        if isinstance(there, Elsewhere):
            return _redirect(f"{view.prefix}{there.target}")
        if there is None:
            return not_found()
        if there.directory and not inner.partition("?")[0].endswith("/"):
            # Its links are relative: without the slash they would lead beside it.
            return _redirect(f"{view.prefix}/serve/{hash_part}{inner.partition('?')[0]}/")
        try:
            answer = await asyncio.to_thread(open_file, there)
        except OSError:
            answer = not_found()
        title = f"{path}/{b'/'.join(names).decode('utf-8', 'replace')}"
        page = render_directory(there.path, title, parent=bool(names))
        return answer or await self._made(_encoded(page), _HTML, SANDBOX)

    async def _log(self, view: View, path: StorePath) -> Response:
        if view.policy.paths is Paths.UPSTREAM:
            # What upstream built was not built here.
            return not_found()
        derivation = self._built(view, path)
        file = None if derivation is None else find_log(view.store.logs, derivation)
        if file is None:
            return not_found()
        return await self._made(read_log(file), "text/plain; charset=utf-8", {"X-Content-Type-Options": "nosniff"})

    async def _made(self, pieces: Iterable[bytes], content_type: str, headers: Mapping[str, str]) -> Response:
        """An answer that is made while it is sent, once there is a place for it."""
        try:
            await self._places.take()
            return Response(200, await generated(pieces), content_type, headers)
        except BusyError:
            # Not 503: a proxy would take all of this server for broken.
            return try_later(429, "too many listings and logs are being sent just now\n")
        except (OSError, EOFError, ValueError):
            # What is read is gone, damaged, or no NAR could hold it.
            return not_found()

    def _built(self, view: View, path: StorePath) -> StorePath | None:
        """The derivation whose log may be sent to who asks for ``path``, itself or an output of it; or None."""
        is_derivation = path.name.endswith(".drv")
        if is_derivation and view.policy.mode is not Mode.HIDE:
            # Logs are kept when their derivations are collected.
            return path
        info = self._served(view, path)
        if info is None:
            return None
        return path if is_derivation else info.deriver

    def _served(self, view: View, path: StorePath) -> PathInfo | None:
        """What is served in the view under the whole name of a path."""
        found = self._find(view, path.hash_part)
        return found[0] if found is not None and found[0].path == path else None

    def _trace(self, view: View, trace: tuple[StorePath, str] | None) -> Response:
        """A trace is served where the path that it names is."""
        if trace is None or self._served(view, trace[0]) is None:
            return not_found()
        return Response(200, trace[1].encode(), _JSON)

    def _count_paths(self, view: View) -> int:
        """How many paths the view's store has: counted once for each change, since that takes a while."""
        database = view.store.database
        generation = database.generation()
        known = self._path_counts.get(view.store.name)
        if known is None or known[0] != generation:
            known = self._path_counts[view.store.name] = generation, database.select(_COUNT_PATHS)[0][0]
        return known[1]

    def _counters(self, view: View) -> dict[str, int]:
        def counted(name: str, **labels: str) -> int:
            return int(self._metrics.value(name, view=view.name, **labels))

        return {
            "paths": self._count_paths(view),
            "narinfos": counted("nar_server_requests_total", kind=routes.kind(routes.Narinfo)),
            "nars": counted("nar_server_sent_nars_total"),
            "bytes": counted("nar_server_sent_bytes_total"),
        }

    def _landing(self, request: Request, view: View) -> Response:
        cache = Cache(
            title=self._title,
            store_dir=view.store.directory,
            prefix=view.prefix,
            priority=view.priority,
            keys=view.public_keys,
            # Caches behind one another have the same, and may share ours.
            passes=list(
                dict.fromkeys(
                    key for upstream in view.upstreams for key in upstream.public_keys if key not in view.public_keys
                )
            ),
            version=VERSION,
        )
        url = base_url(request.host, request.headers.get("x-forwarded-proto", ""), view.prefix)
        headers = {"Content-Security-Policy": security_policy(), "Cache-Control": "no-cache"}
        page = render_landing(cache, url, self._counters(view))
        return Response(200, page.encode(), _HTML, headers)

    def _stats(self, view: View) -> Response:
        counters = self._counters(view)
        texts = {name: human(name, counters[name]) for name in COUNTERS}
        text = json.dumps({"counters": counters, "texts": texts})
        return Response(200, text.encode(), _JSON, {"Cache-Control": "no-store"})

    def _gauges(self) -> dict[str, float]:
        if self._puller is None:
            return {}
        up = {
            series("nar_server_upstream_up", {"upstream": upstream.name}): float(upstream.breaker.healthy)
            for upstream in self._puller.upstreams.values()
        }
        return {**up, series("nar_server_spool_bytes", {}): float(self._puller.spool.used())}


def _encoded(texts: Iterable[str]) -> Iterator[bytes]:
    return (text.encode() for text in texts)


def _redirect(target: str) -> Response:
    return Response(302, b"", headers={"Location": target, "Cache-Control": "no-store"})
