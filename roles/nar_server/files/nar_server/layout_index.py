# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Layouts in memory: those of paths that are asked for, and those that are being found out."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from weakref import WeakValueDictionary

from .layout import Identity, Layout, Piece
from .once import Once

_STAYS_SECONDS = 60

# A path, and the hash of its NAR.
Key = tuple[bytes, bytes]


class Collected:
    """The pieces of a NAR that is being sent for the first time; ``None`` once there is no room for them."""

    def __init__(self) -> None:
        self.pieces: list[Piece] | None = []
        self.cost = 0


class LayoutIndex:
    """Layouts of paths that are asked for, up to ``limit`` bytes of memory in all.

    Those used within the last minute do not make room for others: when a closure that does not fit is asked for again
    and again, part of it is there each time. Whoever sends from one that is not kept shares it with those who come
    meanwhile.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._cost = 0
        # With the time of the last use; that used last is at the end.
        self._layouts: OrderedDict[Key, tuple[Layout, float]] = OrderedDict()
        self._held = WeakValueDictionary[Key, Layout]()
        self._collecting: dict[Key, Collected] = {}
        self._surveys = Once[tuple[Key, Identity], Layout]()

    def get(self, key: Key, found: Identity) -> Layout | None:
        """The layout of a path; None when it is not there, or is that of something else than was found there now."""
        layout = self._held.get(key)
        if layout is None or layout.identity != found:
            return None
        if key in self._layouts:
            self._layouts[key] = layout, time.monotonic()
            self._layouts.move_to_end(key)
        return layout

    def put(self, key: Key, layout: Layout) -> None:
        """Keep a layout, and let go of others for it, if there is room. Nothing to do for one that is there already."""
        if self._held.get(key) is layout:
            return
        self.drop(key)
        self._held[key] = layout
        if layout.cost > self._limit:
            return
        now = time.monotonic()
        while self._layouts and self._cost + layout.cost > self._limit:
            oldest, (_layout, used) = next(iter(self._layouts.items()))
            if now - used < _STAYS_SECONDS:
                break
            self._let_go(oldest)
        if self._cost + layout.cost <= self._limit:
            self._layouts[key] = layout, now
            self._cost += layout.cost

    def _let_go(self, key: Key) -> None:
        layout, _used = self._layouts.pop(key, (None, 0))
        if layout is not None:
            self._cost -= layout.cost

    def drop(self, key: Key) -> None:
        """Forget a layout, as one that turned out wrong."""
        self._let_go(key)
        self._held.pop(key, None)

    @contextlib.contextmanager
    def collecting(self, key: Key) -> Iterator[Collected]:
        """While the first request for a path finds out its layout."""
        collected = self._collecting[key] = Collected()
        try:
            yield collected
        finally:
            del self._collecting[key]

    def collects(self, key: Key) -> bool:
        """Whether a request for this path does so now."""
        return key in self._collecting

    def collect(self, collected: Collected, pieces: Sequence[Piece]) -> None:
        """Add pieces, unless what all first requests have collected takes more than the limit."""
        if collected.pieces is None:
            return
        collected.pieces += pieces
        collected.cost += sum(piece.cost for piece in pieces)
        if sum(other.cost for other in self._collecting.values()) > self._limit:
            collected.pieces, collected.cost = None, 0

    async def survey(self, key: Key, found: Identity, make: Callable[[], Layout]) -> Layout:
        """The layout that ``make`` finds out in a thread, once for all who ask for it meanwhile."""
        return await self._surveys.do((key, found), lambda: asyncio.to_thread(make))
