# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers for paths that are not here but at an upstream cache."""

from __future__ import annotations

import errno
import logging
import os

from .bodies import AnnouncedBody, FileBody, StreamBody
from .config import Config, PullThroughConfig, UpstreamConfig
from .http import Request, Response
from .metrics import Metrics, NoPlaceError, Shared
from .narinfo import render_json, render_narinfo
from .options import ConfigError
from .ranges import UnsatisfiableError, parse_range
from .upstream.breaker import Breaker
from .upstream.client import FetchError, Upstream
from .upstream.offer import Offer
from .upstream.pull import Puller
from .upstream.spool import Spool
from .upstream.spooled import Reader
from .views import View

LOGGER = logging.getLogger("nar_server")
_NAR_TYPE = "application/x-nix-nar"
_RANGES = {"Accept-Ranges": "bytes"}


def make_puller(config: Config, shared: Shared, metrics: Metrics) -> Puller:
    """The puller of a configuration with upstreams; its spool must have been prepared. Raises ConfigError."""
    upstreams = [Upstream(upstream, breaker_of(upstream, shared), metrics) for upstream in config.upstreams]
    return Puller(config.pull_through, upstreams, metrics)


def breaker_of(upstream: UpstreamConfig, shared: Shared) -> Breaker:
    """All workers leave an upstream out together. Raises ConfigError when there is no place to say so in.

    A name given to another cache after a reload starts anew.
    """
    try:
        failures = shared.place(f"failures of {upstream.url}")
        return Breaker(shared, failures, shared.place(f"{upstream.url} is left out until"))
    except NoPlaceError as problem:
        raise ConfigError(f"upstreams.{upstream.name}.url: {problem}") from problem


def prepare_spool(config: PullThroughConfig) -> None:
    """Make the spool's folder, or clean it of what killed processes left. Raises ConfigError or OSError."""
    try:
        config.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError as problem:
        raise ConfigError(f"pull_through.folder: {config.folder} is no folder") from problem
    except OSError as problem:
        raise ConfigError(f"pull_through.folder: {config.folder} cannot be made: {problem.strerror}") from problem
    if not os.access(config.folder, os.R_OK | os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "the spool of pull_through must be writable", str(config.folder))
    Spool(config.folder, config.size).clean()


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

    async def nar(self, request: Request, view: View, hash_part: str, nar_hash: str) -> Response | None:
        """The NAR of such a path, fetched now or read while another client's fetch goes on; or None.

        Ranges are of NARs that are here; a client that wants one of another gets all of it, as it may (RFC 9110, 14.2).
        """
        offer = await self._puller.find(view, hash_part, promised=True)
        if offer is None or offer.info.nar_hash_base32 != nar_hash:
            return None
        if request.method == "HEAD":
            headers = _RANGES if self._puller.has(offer) else {}
            return Response(200, AnnouncedBody(offer.info.nar_size), _NAR_TYPE, headers)
        reader = await self._open(view, offer)
        if reader is None or reader.whole():
            return None if reader is None else _whole(request, reader, offer.info.nar_size)
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

    async def _open(self, view: View, offer: Offer) -> Reader | None:
        try:
            return await self._puller.open(view, offer.info.path.hash_part, offer.info)
        except OSError as problem:
            LOGGER.error("the spool cannot be used: %s", problem)
            return None


def _whole(request: Request, reader: Reader, size: int) -> Response:
    """A NAR that is here, or a range of it."""
    headers = dict(_RANGES)
    try:
        span = parse_range(request.headers, size)
    except UnsatisfiableError:
        reader.close()
        return Response(
            416, b"no such range\n", headers={"Content-Range": f"bytes */{size}", "Cache-Control": "no-store"}
        )
    if span is not None:
        headers["Content-Range"] = f"bytes {span[0]}-{span[1] - 1}/{size}"
    body = FileBody(reader.descriptor, span or (0, size), reader.close)
    return Response(206 if span else 200, body, _NAR_TYPE, headers)
