# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the table asks to be done (jobs for workers, lines for the ledger and for people), and workers' answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Union

from ..result import Progress
from .record import Record


@dataclass(frozen=True)
class Job:
    """For a slot's worker. mac: refuse other badges; empty: find out which badge it is, write nothing. nvs: the image
    of its settings, None to leave them."""

    slot: str
    port: str
    mac: str = ""
    nvs: bytes | None = field(default=None, repr=False)
    check: bool = False

    @property
    def looks_only(self) -> bool:
        """Whether it only asks for the MAC."""
        return not self.mac


@dataclass(frozen=True)
class Success:
    """A worker's answer: the badge holds what it should. seconds: how long it took; written: names of regions;
    changes: how settings change, without secrets."""

    mac: str
    written: tuple[str, ...]
    bytes_written: int
    seconds: float
    changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """A worker's answer: what went wrong and what a volunteer does. rejected: the badge must be put aside."""

    message: str
    advice: str
    rejected: bool = False
    mac: str = ""


# ansible-test takes `|` between classes for a mistake.
Answer = Union[Progress, Success, Failure]  # noqa: UP007


@dataclass(frozen=True)
class Write:
    """A record for the ledger, to be on the disk before the next action begins."""

    record: Record


@dataclass(frozen=True)
class Say:
    """A line for people."""

    text: str


Action = Union[Job, Write, Say]  # noqa: UP007
