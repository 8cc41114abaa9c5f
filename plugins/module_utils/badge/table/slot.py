# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One slot of the table: what is in it and how far it is. Pure: time is told by the caller, in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

GONE_AFTER = 1.5
"""Seconds after which a missing badge is taken for unplugged. One that starts its firmware is away for a moment."""
REPLUG_AFTER = 0.5
"""Seconds after which a failed badge that comes back is taken for plugged in by hand, to be tried again."""


@dataclass(frozen=True)
class Presence:
    """A badge in a slot. port: device to open; token: other for each plugging in; mac: empty if USB tells none."""

    port: str
    token: str
    mac: str = ""


class State(Enum):
    """What a slot is doing, in the word that the screen shows."""

    EMPTY = "FREE"
    WAITING = "WAIT"
    """The badge is still being flashed in another slot."""
    LOOKING = "LOOK"
    """Its MAC is being asked for."""
    FLASHING = "WORK"
    PASSED = "PASS"
    DONE = "DONE"
    """It passed earlier, as the ledger says."""
    FAILED = "FAIL"


WORKING = (State.LOOKING, State.FLASHING)
ENDED = (State.PASSED, State.DONE, State.FAILED)


@dataclass
class Slot:
    """A slot and the badge in it.

    name: as it is written on the table; row, mode, digest: its settings; percent: of the bytes to write; detail: what
    is going on, was written or went wrong; advice: what a volunteer does now.
    """

    name: str
    state: State = State.EMPTY
    presence: Presence | None = None
    mac: str = ""
    row: str = ""
    mode: str = ""
    digest: str = ""
    percent: int = 0
    detail: str = ""
    advice: str = ""
    started: float = 0.0
    gone_since: float | None = None

    def see(self, found: Presence | None, now: float) -> bool:
        """Take in what is in the slot now; true if there is a badge to begin with.

        While a badge is flashed, the flasher looks after one that goes away for a moment.
        """
        if self.state in WORKING:
            return False
        if found is None:
            return self._miss(now)
        away = now - self.gone_since if self.gone_since is not None else 0.0
        self.gone_since = None
        before, self.presence = self.presence, found
        again = before is None or before.token != found.token
        if self.state in (State.EMPTY, State.WAITING):
            if again:
                self.mac = found.mac
            return True
        # One that was away as it ended has no earlier token: without a MAC it is taken for the same badge.
        if again and (found.mac == self.mac or (before is None and not found.mac)):
            return self.state is State.FAILED and away >= REPLUG_AFTER
        return again

    def _miss(self, now: float) -> bool:
        if self.state is State.EMPTY:
            return False
        if self.gone_since is None:
            self.gone_since = now
        elif now - self.gone_since >= GONE_AFTER or self.state is State.WAITING:
            self.clear()
        return False

    def clear(self) -> None:
        """Forget the badge."""
        self.__dict__.update(vars(Slot(self.name)))

    def begin(self, state: State, now: float) -> None:
        """Start with the badge that is in the slot, or go on with it."""
        presence = self.presence
        if state is not State.FLASHING or self.state is not State.LOOKING:
            self.clear()
            self.presence, self.started = presence, now
            self.mac = presence.mac if presence else ""
        self.state = state

    def end(self, state: State, detail: str, advice: str, found: Presence | None) -> None:
        """The badge ended. found: what is in the slot at this moment."""
        self.state, self.detail, self.advice, self.percent = state, detail, advice, 0
        self.gone_since = None
        # One that dropped out and came back would fail for ever. After a pass, what is not the badge begun with
        # may be the next one, swapped before we looked.
        if state is State.FAILED:
            self.presence = found
