# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP client of one upstream cache (aiohttp's)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import aiohttp

from ..config import UpstreamConfig
from ..metrics import Metrics
from ..signing import Verifier
from .breaker import Breaker
from .offer import Offer, UntrustedError, brief, parse_offer

LOGGER = logging.getLogger("nar_server")
# What an upstream may take for a narinfo, all in all.
NARINFO_SECONDS = 2.0
# For how long it may send nothing of a NAR.
STALL_SECONDS = 10.0
# In each such time that is waited for its bytes, it has to send so many of them: one that drips does not stall.
DRIP_SECONDS, LEAST_BYTES = 30.0, 16 * 1024
# How much one worker asks of it at a time. What waits for its turn does not count as its failure.
NARINFOS_AT_ONCE, NARS_AT_ONCE = 128, 64
# For how long a NAR waits for its turn.
TURN_SECONDS = 60.0
# Some 4000 references fit; an operating system's own path, which refers to all of it, has a few hundred.
LONGEST_NARINFO = 256 * 1024
_CHUNK = 256 * 1024
_OK, _FORBIDDEN, _NOT_FOUND, _GONE = 200, 403, 404, 410
_REDIRECT, _SERVER_ERROR = 300, 500
# Request timeout, too many requests.
_LATER = (408, 429)
# Buckets that do not list their content say 403 for what is not there.
_MISSES = (_FORBIDDEN, _NOT_FOUND, _GONE)


class FetchError(Exception):
    """An upstream did not give what was asked for."""


class GoneError(FetchError):
    """An upstream answers, and has no such NAR."""


class NoTurnError(Exception):
    """It was not a NAR's turn in time: others are being fetched from its upstream."""


class Upstream:
    """An upstream cache, asked for narinfos and NARs. Never follows redirects: they would lead to another origin."""

    def __init__(self, config: UpstreamConfig, breaker: Breaker, metrics: Metrics) -> None:
        self.name = config.name
        self.stratum = config.stratum
        self.breaker = breaker
        self._url = config.url
        self._keys = [Verifier(key) for key in config.public_keys]
        self._metrics = metrics
        self._narinfo_turns = asyncio.Semaphore(NARINFOS_AT_ONCE)
        self._nar_turns = asyncio.Semaphore(NARS_AT_ONCE)

    def believe(self, text: str, hash_part: str, store_dir: str) -> Offer:
        """What a narinfo of this upstream offers; raises UntrustedError."""
        return parse_offer(text, hash_part, store_dir, self._url, self._keys)

    async def narinfo(self, session: aiohttp.ClientSession, hash_part: str, store_dir: str) -> Offer | None:
        """A path it has; None when it has none, fails or is left out for now. Never raises."""
        async with self._narinfo_turns:
            return await self._narinfo(session, hash_part, store_dir)

    async def _narinfo(self, session: aiohttp.ClientSession, hash_part: str, store_dir: str) -> Offer | None:
        # Asked when it is one's turn: it may have failed since one came.
        if not self.breaker.admits():
            return None
        try:
            text = await self._ask(session, hash_part)
            offer = None if text is None else self.believe(text, hash_part, store_dir)
        except UntrustedError as problem:
            # It answers, and for other paths it may be right.
            self.breaker.succeeded()
            if self._metrics.first(f"{self.name} {hash_part} {problem}"):
                LOGGER.error("upstream %s: the narinfo of %s is not believed: %s", self.name, hash_part, brief(problem))
            self._count("untrusted")
            return None
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError, FetchError) as problem:  # noqa: UP041
            if self.breaker.healthy:
                LOGGER.warning("upstream %s (%s) is left out for a while: %s", self.name, self._url, _reason(problem))
            self.breaker.failed()
            self._count("failure")
            return None
        if not self.breaker.healthy:
            LOGGER.warning("upstream %s answers again", self.name)
        self.breaker.succeeded()
        self._count("miss" if offer is None else "hit")
        return offer

    def _count(self, outcome: str) -> None:
        self._metrics.add("nar_server_upstream_requests_total", upstream=self.name, outcome=outcome)

    async def _ask(self, session: aiohttp.ClientSession, hash_part: str) -> str | None:
        timeout = aiohttp.ClientTimeout(total=NARINFO_SECONDS)
        url = f"{self._url}/{hash_part}.narinfo"
        async with asyncio.timeout(NARINFO_SECONDS), await _get(session, url, timeout) as response:
            if response.status in _MISSES:
                return None
            if response.status != _OK:
                raise FetchError(f"it answered {response.status}")
            body = b""
            while not response.content.at_eof():
                body += await response.content.read(LONGEST_NARINFO)
                if len(body) > LONGEST_NARINFO:
                    raise UntrustedError(f"it is longer than {LONGEST_NARINFO} bytes")
            try:
                return body.decode("ascii")
            except UnicodeDecodeError as problem:
                raise UntrustedError("it is not ASCII") from problem

    async def nar(self, session: aiohttp.ClientSession, offer: Offer) -> AsyncGenerator[bytes, None]:
        """The packed NAR in chunks. Raises FetchError when it does not come whole, GoneError if it is not there.

        Raises NoTurnError when others are fetched all the time.
        """
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await self._nar_turns.acquire()
        except TimeoutError:
            raise NoTurnError(f"it was not its turn for {TURN_SECONDS:g} s, so many others are being fetched") from None
        try:
            async with contextlib.aclosing(self._nar(session, offer)) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            self._nar_turns.release()

    async def _nar(self, session: aiohttp.ClientSession, offer: Offer) -> AsyncGenerator[bytes, None]:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=NARINFO_SECONDS, sock_read=STALL_SECONDS)
        try:
            # The first line and the headers may drip as well.
            async with asyncio.timeout(STALL_SECONDS):
                response = await _get(session, offer.url, timeout)
            async with response:
                if _has_none(response.status):
                    raise GoneError(f"it answered {response.status}")
                encoding = response.headers.get("Content-Encoding", "identity")
                if response.status != _OK or encoding != "identity":
                    raise FetchError(f"it answered {response.status}, encoding {encoding}")
                async for chunk in fast_enough(response.content.iter_chunked(_CHUNK)):
                    yield chunk
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as problem:  # noqa: UP041
            raise FetchError(_reason(problem)) from problem


def tracing() -> aiohttp.TraceConfig:
    """What a session needs that upstreams are asked with: it tells which connections were kept."""
    config = aiohttp.TraceConfig()
    config.on_connection_reuseconn.append(_is_kept)
    config.on_connection_create_start.append(_is_fresh)
    return config


async def _is_kept(_session: aiohttp.ClientSession, context: Any, _parameters: object) -> None:
    if context.trace_request_ctx is not None:
        context.trace_request_ctx["kept"] = True


async def _is_fresh(_session: aiohttp.ClientSession, context: Any, _parameters: object) -> None:
    if context.trace_request_ctx is not None:
        context.trace_request_ctx["kept"] = False


async def _get(session: aiohttp.ClientSession, url: str, timeout: aiohttp.ClientTimeout) -> aiohttp.ClientResponse:
    """The answer, which is not followed anywhere.

    An upstream may close a connection that was kept just when it is asked again, which is no failure (RFC 9112, 9.3.1).
    One that was restarted, or whose address moved, has closed all of them: it is asked again until the connection is a
    fresh one. Who calls limits the time.
    """
    while True:
        connection = {"kept": False}
        try:
            return await session.get(url, timeout=timeout, allow_redirects=False, trace_request_ctx=connection)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            if not connection["kept"]:
                raise


async def fast_enough(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same chunks. FetchError when they come too slowly; what is done with them meanwhile takes its own time."""
    waited, size = 0.0, 0
    while True:
        asked = time.monotonic()
        # What is no content, such as a chunk's extension, may drip as well: it keeps the socket from stalling.
        async with asyncio.timeout(DRIP_SECONDS):
            chunk = await anext(chunks, None)
        if chunk is None:
            return
        waited, size = waited + time.monotonic() - asked, size + len(chunk)
        if waited >= DRIP_SECONDS:
            if size < LEAST_BYTES:
                raise FetchError(f"only {size} bytes came in {waited:.0f} s")
            waited, size = 0.0, 0
        yield chunk


def _has_none(status: int) -> bool:
    """Whether an upstream that answers so works, and has no such NAR: a redirect leads to another origin."""
    return _REDIRECT <= status < _SERVER_ERROR and status not in _LATER


def _reason(problem: BaseException) -> str:
    # How aiohttp was told to check certificates says nothing to who reads it.
    told = brief(problem).replace(" ssl:default", "")
    return told or ("it took too long" if isinstance(problem, TimeoutError) else type(problem).__name__)
