# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The slots of a badge table: ports under names that stay, into which badges are plugged and pulled out again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .badge import Badge
from .line import Line


class Slot:
    """One slot.

    :param path: its name, a symbolic link to the port while a badge is plugged in, as udev makes it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._line: Line | None = None
        self._lock = threading.RLock()
        self._return: threading.Timer | None = None

    @property
    def port(self) -> str:
        """The name as a host opens it."""
        return str(self.path)

    @property
    def badge(self) -> Badge | None:
        """The badge that is plugged in, also while a fault has it pulled off for a moment."""
        return self._line.badge if self._line else None

    @property
    def idle(self) -> float | None:
        """Seconds since a host closed the port of the badge that is plugged in; None if none has yet."""
        closed_at = self._line.closed_at if self._line else None
        return None if closed_at is None else time.monotonic() - closed_at

    def plug(self, badge: Badge) -> None:
        """Plug a badge in; one that was there is pulled off first."""
        self.pull()
        with self._lock:
            self._line = Line(badge, self._pulled)
            fresh = self.path.with_name(f".{self.path.name}")
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(self._line.device)
            fresh.rename(self.path)
            self._line.start()

    def pull(self) -> None:
        """Pull the badge off, whatever is going on."""
        with self._lock:
            if self._return is not None:
                self._return.cancel()
            line, self._line = self._line, None
            self.path.unlink(missing_ok=True)
        if line is not None:
            line.stop()

    def _pulled(self, line: Line, returns_after: float | None) -> None:
        """A fault pulls the badge off; after a time, if there is one, it is plugged in again."""
        with self._lock:
            if line is not self._line:
                return
            self.path.unlink(missing_ok=True)
            if returns_after is not None:
                self._return = threading.Timer(returns_after, self._plug_again, (line,))
                self._return.daemon = True
                self._return.start()

    def _plug_again(self, line: Line) -> None:
        with self._lock:
            if line is self._line:
                self.plug(line.badge)


@contextmanager
def slots(folder: Path, count: int) -> Iterator[list[Slot]]:
    """So many empty slots, slot1, slot2 … in a folder; at the end all badges are pulled off."""
    made = [Slot(folder / f"slot{number}") for number in range(1, count + 1)]
    try:
        yield made
    finally:
        for slot in made:
            slot.pull()


def mac_of(number: int) -> str:
    """A MAC for each number from 0 on, under Espressif's prefix."""
    return "60:55:f9:" + ":".join(f"{byte:02x}" for byte in number.to_bytes(3, "big"))
