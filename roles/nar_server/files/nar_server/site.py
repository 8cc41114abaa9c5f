# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole server of a configuration: paths of stores and of upstreams, what else is answered, and the counting."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from . import routes
from .app import Limits, NarServer, RouteHandler, not_found
from .bodies import CountedBody
from .catalogue import Entry
from .config import Config
from .database import DatabaseUnavailableError
from .endpoints import Endpoints, Found
from .hot_tier import HotTier
from .http import Body, Request, Response
from .key_files import check_signing_keys
from .metrics import Counter, Metrics, Shared
from .views import View, Views

if TYPE_CHECKING:
    from .encoding import Encoders
    from .upstream.pull import Puller

LOGGER = logging.getLogger("nar_server")
_NOT_FOUND = 404
# How often who finishes looks whether everybody has an answer.
_PAUSE = 0.02


def check(config: Config, shared: Shared) -> None:
    """Try what serving a configuration wants, and clean up what killed processes left of what they fetched.

    Raises ConfigError, KeyFormatError or OSError when it cannot be served.
    """
    check_signing_keys(config.views)
    Views.of(config).close()
    make_encoders(config)
    if config.upstreams:
        from .pulled import breaker_of, prepare_spool  # noqa: PLC0415

        prepare_spool(config.pull_through)
        for upstream in config.upstreams:
            breaker_of(upstream, shared)


def make_encoders(config: Config) -> Encoders | None:
    """What codes NARs in one worker; None when nothing does. Raises ConfigError."""
    if not config.zstd.level:
        return None
    from .encoding import Encoders  # noqa: PLC0415

    return Encoders(config.zstd.level, config.zstd.memory // config.workers)


class Site:
    """Answers all requests of a configuration, and counts them."""

    def __init__(
        self,
        title: str,
        views: Views,
        shared: Shared,
        puller: Puller | None = None,
        tier: HotTier | None = None,
        *,
        encoders: Encoders | None = None,
    ) -> None:
        self.views = views
        self._shared = shared
        self._metrics = Metrics(shared)
        self._statuses: dict[int, Counter] = {}
        self._answers_under_way = 0
        self._puller = puller
        self._tier = tier
        self._server = NarServer(views, self._withheld, tier, Limits().of_one(shared.workers))
        endpoints = Endpoints(title, self._find, self._metrics, puller)
        handlers = self._server.routes
        handlers |= dict.fromkeys(endpoints.ROUTES, endpoints.answer)
        if puller is not None:
            from .pulled import PulledAnswers  # noqa: PLC0415

            self._pulled = PulledAnswers(puller)
            for route, answer in (
                (routes.Narinfo, self._pulled_narinfo),
                (routes.NarinfoJson, self._pulled_narinfo),
                (routes.Nar, self._pulled_nar),
            ):
                handlers[route] = self._or_else(handlers[route], answer)
        for route, handler in handlers.items():
            handlers[route] = self._counting(routes.kind(route), handler)
        if encoders is not None:
            handlers[routes.Nar] = encoders.coding(handlers[routes.Nar])

    @classmethod
    def of(cls, config: Config, shared: Shared) -> Site:
        """The site of a configuration. Raises ConfigError, KeyFormatError or OSError when it cannot be."""
        views = Views.of(config)
        for store in views.stores:
            try:
                # Opened now, its files stay (see database.py); when it cannot be, requests are told so.
                store.database.probe()
            except DatabaseUnavailableError as problem:
                # Each worker finds out, and one says so.
                if shared.first(str(problem)):
                    LOGGER.warning("%s", problem)
        tier = HotTier(config.hot_tier.folder, config.hot_tier.size) if config.hot_tier.size else None
        puller = None
        if config.upstreams:
            # The HTTP client takes longer to load than all else: only who asks upstreams waits for it.
            from .pulled import make_puller  # noqa: PLC0415

            puller = make_puller(config, shared, Metrics(shared))
        return cls(config.title, views, shared, puller, tier, encoders=make_encoders(config))

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """Answer one request, at once if nothing has to be waited for."""
        answer = self._server.handle(request)
        return self._count(answer) if isinstance(answer, Response) else self._count_later(answer)

    async def close(self) -> None:
        """End what is being fetched and let go of the databases."""
        if self._puller is not None:
            await self._puller.close()
        if self._tier is not None:
            self._tier.close()
        self._server.close()
        self.views.close()

    async def finish(self) -> None:
        """Wait until all is answered and what is being fetched has come: clients of other workers may read it, too."""
        while self._answers_under_way:
            await asyncio.sleep(_PAUSE)
        if self._puller is not None:
            await self._puller.finish()

    async def retire(self) -> None:
        """Close once that is so: another site answers from now on."""
        await self.finish()
        await self.close()

    def _find(self, view: View, hash_part: str) -> Found | None:
        entry = self._server.find(view, hash_part)
        return None if entry is None else (entry.info, entry.decision)

    def _withheld(self, view: View, entry: Entry) -> None:
        path = str(entry.info.path)
        if self._shared.first(f"{view.name} withholds {path}"):
            self._metrics.add("nar_server_withheld_paths_total", view=view.name)
            outcome = "hidden" if entry.decision.hidden else "not signed"
            LOGGER.warning("view %s: nothing vouches for %s/%s: %s", view.name, view.store.directory, path, outcome)

    def _count(self, response: Response) -> Response:
        status = response.status
        counter = self._statuses.get(status)
        if counter is None:
            counter = self._metrics.counter("nar_server_responses_total", status=str(status))
            self._statuses[status] = counter
        counter.add()
        return response

    async def _count_later(self, answer: Awaitable[Response]) -> Response:
        self._answers_under_way += 1
        try:
            return self._count(await answer)
        finally:
            self._answers_under_way -= 1

    def _counting(self, kind: str, handler: RouteHandler) -> RouteHandler:
        counters: dict[str, Counter] = {}

        def handle(request: Request, view: View, route: routes.Route) -> Response | Awaitable[Response]:
            counter = counters.get(view.name)
            if counter is None:
                counter = self._metrics.counter("nar_server_requests_total", view=view.name, kind=kind)
                counters[view.name] = counter
            if not self._server.asks_again:
                counter.add()
            return handler(request, view, route)

        async def later(answer: Awaitable[Response], view: View) -> Response:
            return self._counting_body(await answer, view)

        def handle_nar(request: Request, view: View, route: routes.Route) -> Response | Awaitable[Response]:
            answer = handle(request, view, route)
            return self._counting_body(answer, view) if isinstance(answer, Response) else later(answer, view)

        return handle_nar if kind == "nar" else handle

    def _counting_body(self, response: Response, view: View) -> Response:
        if isinstance(response.body, Body):
            response.body = CountedBody(
                response.body,
                lambda size: self._count_sent(view, size),
                lambda: self._metrics.add("nar_server_cut_total"),
            )
        return response

    def _count_sent(self, view: View, size: int) -> None:
        self._metrics.add("nar_server_sent_nars_total", view=view.name)
        self._metrics.add("nar_server_sent_bytes_total", size, view=view.name)

    def _or_else(self, first: RouteHandler, second: RouteHandler) -> RouteHandler:
        """Answers with ``first``, and what that does not find, with ``second``."""

        async def later(answer: Awaitable[Response], request: Request, view: View, route: routes.Route) -> Response:
            response = await answer
            if response.status == _NOT_FOUND:
                other = second(request, view, route)
                return other if isinstance(other, Response) else await other
            return response

        def handle(request: Request, view: View, route: routes.Route) -> Response | Awaitable[Response]:
            answer = first(request, view, route)
            if not view.upstreams:
                return answer
            if not isinstance(answer, Response):
                return later(answer, request, view, route)
            return second(request, view, route) if answer.status == _NOT_FOUND else answer

        return handle

    async def _pulled_narinfo(
        self, _request: Request, view: View, route: routes.Narinfo | routes.NarinfoJson
    ) -> Response:
        as_json = isinstance(route, routes.NarinfoJson)
        return await self._pulled.narinfo(view, route.hash_part, as_json=as_json) or not_found()

    async def _pulled_nar(self, request: Request, view: View, route: routes.Nar) -> Response:
        return await self._pulled.nar(request, view, route.hash_part, route.nar_hash) or not_found()
