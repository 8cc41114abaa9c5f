# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Leaves out what failed a moment ago, so that a dead upstream costs one wait and not one for each request."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

_FIRST_PAUSE = 10.0
_LONGEST_PAUSE = 300.0
# Whoever tries again has this long before the next one may.
_TRIAL = 3.0


class Cells(Protocol):
    """Numbers that all workers share."""

    def get(self, place: int) -> float: ...

    def set(self, place: int, value: float) -> None: ...


class Breaker:
    """Closed: all may ask. After a failure it is open for a pause, twice as long each time; then one may try."""

    def __init__(self, cells: Cells, failures: int, until: int, clock: Callable[[], float] = time.monotonic) -> None:
        """``failures`` and ``until`` are the places of its two cells. The clock must be the same in all workers."""
        self._cells = cells
        self._failures = failures
        self._until = until
        self._clock = clock

    @property
    def healthy(self) -> bool:
        """Whether the last one who asked got an answer."""
        return self._cells.get(self._failures) == 0

    def admits(self) -> bool:
        """Whether to ask now. One who may try again must say how it ended."""
        if self.healthy:
            return True
        now = self._clock()
        if now < self._cells.get(self._until):
            return False
        self._cells.set(self._until, now + _TRIAL)
        return True

    def succeeded(self) -> None:
        """An answer came, be it that there is no such path."""
        if not self.healthy:
            self._cells.set(self._failures, 0)

    def failed(self) -> None:
        """No answer came in time, or none that can be believed. Several failures in one pause count once."""
        now, failures = self._clock(), self._cells.get(self._failures)
        if failures and now < self._cells.get(self._until) - _TRIAL:
            return
        self._cells.set(self._failures, failures + 1)
        self._cells.set(self._until, now + min(_FIRST_PAUSE * 2**failures, _LONGEST_PAUSE))
