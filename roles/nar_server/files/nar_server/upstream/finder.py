# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding paths at upstream caches, and remembering what was found."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from itertools import groupby

import aiohttp

from ..metrics import Metrics
from ..once import Once
from ..views import View
from .client import Upstream
from .offer import Offer, UntrustedError
from .spool import Spool
from .strata import ask_strata

LOGGER = logging.getLogger("nar_server")
# How many offers are remembered, and how many bytes of their narinfos, be they long.
MOST_OFFERS, MOST_BYTES = 20_000, 16 * 1024 * 1024


class Finder:
    """Asks each question once at a time. To be used within one event loop."""

    def __init__(
        self,
        upstreams: Mapping[str, Upstream],
        spool: Spool,
        session: Callable[[], aiohttp.ClientSession],
        metrics: Metrics,
    ) -> None:
        self._upstreams = upstreams
        self._metrics = metrics
        self._spool = spool
        self._session = session
        self._offers: dict[tuple[str, str], tuple[Upstream, Offer]] = {}
        self._bytes = 0
        # Names of upstreams, and hashes of the texts, of offers whose NARs were not to be had; the oldest first.
        self._refused: dict[tuple[str, int], None] = {}
        self._asking = Once[tuple[str, str], tuple[Upstream, Offer] | None]()

    async def find(self, view: View, hash_part: str, *, promised: bool = False) -> tuple[Upstream, Offer] | None:
        """Which upstream of the view offers a hash part, and what. Never raises.

        ``promised``: the NAR is wanted, so a client has the narinfo. What was offered is then tried again when nobody
        else has the path, although its upstream is left out: clients try again after a cut, and never after a 404.
        """
        key = (view.name, hash_part)
        if not view.upstreams:
            return None
        known = self._offers.get(key)
        if known is not None and self._stands(*known):
            return known
        found = await self._asking.do(key, lambda: self._ask(view, hash_part))
        if found is not None:
            self._remember(key, found)
        return found or (known if promised else None)

    async def finish(self) -> None:
        """Wait for the questions that are under way."""
        await self._asking.finish()

    def _stands(self, upstream: Upstream, offer: Offer) -> bool:
        """Whether a NAR can be had as it was offered. While its upstream is left out, another one may offer it."""
        well = upstream.breaker.healthy and _name(upstream, offer) not in self._refused
        return well or self._spool.has(offer.info) or self._spool.gets(offer.info)

    def _remember(self, key: tuple[str, str], found: tuple[Upstream, Offer]) -> None:
        self._forget(key)
        self._offers[key] = found
        self._bytes += len(found[1].text)
        # Never the one that is asked for now.
        while len(self._offers) > 1 and (len(self._offers) > MOST_OFFERS or self._bytes > MOST_BYTES):
            self._forget(next(iter(self._offers)))

    def refuse(self, upstream: Upstream, offer: Offer) -> None:
        """Ask again when the path is wanted: its NAR was not to be had as it was offered."""
        hash_part = offer.info.path.hash_part
        if self._spool.read_narinfo(hash_part) == (upstream.name, offer.text):
            self._spool.drop_narinfo(hash_part)
        self._refused.pop(_name(upstream, offer), None)
        self._refused[_name(upstream, offer)] = None
        if len(self._refused) > MOST_OFFERS:
            del self._refused[next(iter(self._refused))]

    def _forget(self, key: tuple[str, str]) -> None:
        found = self._offers.pop(key, None)
        if found is not None:
            self._bytes -= len(found[1].text)

    async def _ask(self, view: View, hash_part: str) -> tuple[Upstream, Offer] | None:
        mine = sorted((self._upstreams[config.name] for config in view.upstreams), key=lambda each: each.stratum)
        kept = self._spool.read_narinfo(hash_part)
        if kept is not None and (upstream := self._upstreams.get(kept[0])) in mine and upstream is not None:
            try:
                offer = upstream.believe(kept[1], hash_part, view.store.directory)
            except UntrustedError:
                LOGGER.warning("the spool's narinfo of %s is not believed any more: asking again", hash_part)
            else:
                if self._stands(upstream, offer):
                    return self._that_fits(upstream, offer)
        session = self._session()
        refused: list[tuple[Upstream, Offer]] = []

        async def ask(upstream: Upstream) -> tuple[Upstream, Offer] | None:
            offer = await upstream.narinfo(session, hash_part, view.store.directory)
            found = None if offer is None else self._that_fits(upstream, offer)
            if found is not None and _name(*found) in self._refused:
                refused.append(found)
                return None
            return found

        strata = [list(group) for _number, group in groupby(mine, key=lambda each: each.stratum)]
        found = await ask_strata(strata, ask)
        if found is None and refused:
            # It may have been mended: it is tried once more when nobody else has the path.
            found = refused[0]
            self._refused.pop(_name(*found), None)
        return found

    def _that_fits(self, upstream: Upstream, offer: Offer) -> tuple[Upstream, Offer] | None:
        """An offer, unless its NAR could not be kept: a narinfo would promise what nobody can send."""
        if self._spool.fits(offer.info):
            return upstream, offer
        path, size = offer.info.path, offer.info.nar_size
        if self._metrics.first(f"{upstream.name} {path} does not fit"):
            LOGGER.warning(
                "pull_through.size: upstream %s has %s, whose NAR of %d bytes does not fit", upstream.name, path, size
            )
        return None


def _name(upstream: Upstream, offer: Offer) -> tuple[str, int]:
    """Tells an offer of an upstream from others in little memory."""
    return upstream.name, hash(offer.text)
