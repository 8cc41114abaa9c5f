# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers for paths that are not here but at an upstream cache."""

from __future__ import annotations

import logging

from .bodies import FileBody, StreamBody
from .config import Config
from .http import Body, Response
from .metrics import Metrics, Shared
from .narinfo import render_json, render_narinfo
from .upstream.breaker import Breaker
from .upstream.client import FetchError, Upstream
from .upstream.pull import Puller
from .views import View

LOGGER = logging.getLogger("nar_server")
_NAR_TYPE = "application/x-nix-nar"


def make_puller(config: Config, shared: Shared, metrics: Metrics) -> Puller | None:
    """The puller of a configuration; None when it has no upstreams. Raises OSError when there is no spool."""
    if not config.upstreams:
        return None
    upstreams = [
        Upstream(
            upstream,
            # All workers leave an upstream out together. A name given to another cache after a reload starts anew.
            Breaker(
                shared, shared.place(f"failures of {upstream.url}"), shared.place(f"{upstream.url} is left out until")
            ),
            metrics,
        )
        for upstream in config.upstreams
    ]
    puller = Puller(config.pull_through, upstreams, metrics)
    puller.spool.clean()
    return puller


class _Announced(Body):
    """A body that is announced and not sent, for HEAD."""

    def __init__(self, length: int) -> None:
        self.length = length

    async def send(self, sender: object) -> None:
        """Never called."""
        raise AssertionError("an answer to HEAD has no body")


class PulledAnswers:
    """Answers of views that have upstreams, for what their stores do not have."""

    def __init__(self, puller: Puller) -> None:
        self._puller = puller

    async def narinfo(self, view: View, hash_part: str, *, as_json: bool = False) -> Response | None:
        """The narinfo of a path that an upstream offers, with our signature once its NAR was verified; or None."""
        offer = await self._puller.find(view, hash_part)
        if offer is None:
            return None
        policy = view.policy
        signatures = policy.decide(offer.info).signatures if self._puller.has(offer) else policy.passed_on(offer.info)
        if as_json:
            return Response(200, render_json(offer.info, view.store.directory, signatures).encode(), "application/json")
        return Response(
            200, render_narinfo(offer.info, view.store.directory, signatures).encode(), "text/x-nix-narinfo"
        )

    async def nar(  # noqa: PLR0911
        self, view: View, hash_part: str, nar_hash: str, *, head: bool = False
    ) -> Response | None:
        """The NAR of such a path, fetched now or read while another client's fetch goes on; or None."""
        offer = await self._puller.find(view, hash_part)
        if offer is None or offer.info.nar_hash_base32 != nar_hash:
            return None
        if head:
            return Response(200, _Announced(offer.info.nar_size), _NAR_TYPE)
        try:
            reader = await self._puller.open(view, hash_part)
        except OSError as problem:
            LOGGER.error("the spool cannot be used: %s", problem)
            return None
        if reader is None:
            return None
        if reader.whole():
            return Response(200, FileBody(reader.descriptor, offer.info.nar_size, reader.close), _NAR_TYPE)
        stream = self._puller.tail(reader, offer.info)
        try:
            first = await anext(stream)
        except BaseException as problem:
            reader.close()
            if isinstance(problem, FetchError):
                # Before anything was promised: the client asks another cache.
                return None
            raise
        return Response(200, StreamBody(offer.info.nar_size, first, stream, reader.close), _NAR_TYPE)
