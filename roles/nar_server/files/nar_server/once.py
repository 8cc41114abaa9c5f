# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work that is done once for all who want it at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Result = TypeVar("Result")


class Once(Generic[Key, Result]):
    """Results by key, as long as they are under way. To be used within one event loop."""

    def __init__(self) -> None:
        self._under_way: dict[Key, asyncio.Future[Result]] = {}

    async def do(self, key: Key, work: Callable[[], Awaitable[Result]]) -> Result:
        """What comes of the work that is under way for this key, else of ``work``; raises what it raises."""
        if key not in self._under_way:
            self._under_way[key] = asyncio.ensure_future(work())
            self._under_way[key].add_done_callback(lambda _done: self._under_way.pop(key))
        # Who asked first may leave; the others still want to know.
        return await asyncio.shield(self._under_way[key])

    async def finish(self) -> None:
        """Wait until nothing is under way, whether somebody still wants to know or not."""
        while self._under_way:
            await asyncio.wait(self._under_way.values())
