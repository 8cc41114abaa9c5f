# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Room for so many tasks at once, whose clients may be slow."""

from __future__ import annotations

import asyncio
from typing import Any


class BusyError(Exception):
    """No place became free in time."""


class Places:
    """``count`` places. Who wants one when there is none waits in line, ``patience`` seconds at most.

    A place is kept for ``turn`` seconds for certain. After that, the task that has had one for longest is cancelled
    when somebody waits: clients that take next to nothing cannot keep the others out.
    """

    def __init__(self, count: int, turn: float, patience: float) -> None:
        self._count = count
        self._turn = turn
        self._patience = patience
        # Who has one, in the order in which they were taken, and the time by the loop's clock when each was.
        self._taken: dict[asyncio.Task[Any], float] = {}
        self._line = asyncio.Lock()
        self._freed = asyncio.Event()

    async def take(self) -> None:
        """Take a place for the current task, which keeps it until it is done. Raises BusyError."""
        task = asyncio.current_task()
        assert task is not None
        try:
            async with asyncio.timeout(self._patience), self._line:
                while len(self._taken) >= self._count:
                    await self._wait_for(*next(iter(self._taken.items())))
        except TimeoutError:
            raise BusyError from None
        self._taken[task] = asyncio.get_running_loop().time()
        task.add_done_callback(self._free)

    async def _wait_for(self, oldest: asyncio.Task[Any], since: float) -> None:
        """Wait until a place is free: that of the oldest when its turn is over."""
        self._freed.clear()
        try:
            async with asyncio.timeout_at(since + self._turn):
                await self._freed.wait()
        except TimeoutError:
            oldest.cancel()
            await self._freed.wait()

    def _free(self, task: asyncio.Task[Any]) -> None:
        del self._taken[task]
        self._freed.set()
