# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding paths at upstream caches, and remembering what was found."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from itertools import groupby

import aiohttp

from ..views import View
from .client import Upstream
from .offer import Offer, UntrustedError
from .spool import Spool
from .strata import ask_strata

LOGGER = logging.getLogger("nar_server")
_MOST_OFFERS = 20_000


class Finder:
    """Asks each question once at a time. To be used within one event loop."""

    def __init__(
        self, upstreams: Mapping[str, Upstream], spool: Spool, session: Callable[[], aiohttp.ClientSession]
    ) -> None:
        self._upstreams = upstreams
        self._spool = spool
        self._session = session
        self._offers: dict[tuple[str, str], tuple[Upstream, Offer]] = {}
        self._asking: dict[tuple[str, str], asyncio.Future[tuple[Upstream, Offer] | None]] = {}

    async def find(self, view: View, hash_part: str) -> tuple[Upstream, Offer] | None:
        """Which upstream of the view offers a hash part, and what. Never raises."""
        key = (view.name, hash_part)
        if key in self._offers or not view.upstreams:
            return self._offers.get(key)
        if key not in self._asking:
            self._asking[key] = asyncio.ensure_future(self._ask(view, hash_part))
            self._asking[key].add_done_callback(lambda _done: self._asking.pop(key))
        # Who asked first may leave; the others still want to know.
        found = await asyncio.shield(self._asking[key])
        if found is not None:
            if len(self._offers) >= _MOST_OFFERS:
                self._offers.pop(next(iter(self._offers)))
            self._offers[key] = found
        return found

    def forget(self, view: View, hash_part: str) -> None:
        """Ask anew when it is wanted again."""
        self._offers.pop((view.name, hash_part), None)

    async def _ask(self, view: View, hash_part: str) -> tuple[Upstream, Offer] | None:
        mine = sorted((self._upstreams[config.name] for config in view.upstreams), key=lambda each: each.stratum)
        kept = self._spool.read_narinfo(hash_part)
        if kept is not None and (upstream := self._upstreams.get(kept[0])) in mine and upstream is not None:
            try:
                return upstream, upstream.believe(kept[1], hash_part, view.store.directory)
            except UntrustedError:
                LOGGER.warning("the spool's narinfo of %s is not believed any more: asking again", hash_part)
        session = self._session()

        async def ask(upstream: Upstream) -> tuple[Upstream, Offer] | None:
            offer = await upstream.narinfo(session, hash_part, view.store.directory)
            return None if offer is None else (upstream, offer)

        strata = [list(group) for _number, group in groupby(mine, key=lambda each: each.stratum)]
        return await ask_strata(strata, ask)
