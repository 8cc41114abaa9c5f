# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What flashing a badge tells: while it goes on, and at its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Phase(StrEnum):
    """What is being done to the badge."""

    CONNECT = "connect"
    COMPARE = "compare"
    WRITE = "write"
    DONE = "done"


@dataclass(frozen=True)
class Progress:
    """How far a badge is. done, total: bytes of flash written and to write in this attempt, 0 until they are known;
    region: what is written now; attempt: 1, and more after reconnecting."""

    port: str
    phase: Phase
    region: str = ""
    done: int = 0
    total: int = 0
    mac: str = ""
    attempt: int = 1


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class Outcome:
    """A badge that holds what it should (in check mode: would).

    mac: as aa:bb:cc:dd:ee:ff; chip: with its revision; written, kept: names of regions in the order of writing;
    settings: how they changed, a line for each key, and diff: what was there and what is, both without secrets;
    bytes_written: bytes of flash, repetitions included; seconds: from opening the port on; reconnects: how often the
    connection had to be made anew.
    """

    port: str
    mac: str
    chip: str
    written: tuple[str, ...]
    kept: tuple[str, ...]
    settings: tuple[str, ...]
    diff: tuple[str, str]
    bytes_written: int
    seconds: float
    reconnects: int

    @property
    def changed(self) -> bool:
        """Whether anything was (in check mode: would be) written."""
        return bool(self.written)

    def result(self) -> dict[str, Any]:
        """As a module returns it."""
        return {
            "changed": self.changed,
            "mac": self.mac,
            "chip": self.chip,
            "written": list(self.written),
            "kept": list(self.kept),
            "settings_changed": list(self.settings),
            "bytes_written": self.bytes_written,
            "seconds": round(self.seconds, 2),
            "reconnects": self.reconnects,
        }
