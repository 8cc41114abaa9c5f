# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong with a simulated badge, drawn reproducibly from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What goes wrong."""

    DROP = "drop"
    """The command is carried out and its reply lost."""
    NACK = "nack"
    """The command is refused."""
    BIT_ROT = "bit rot"
    """A bit flips in what the next write writes."""
    STUCK = "stuck bit"
    """From now on a bit of what the next write writes reads as 0 for ever."""
    WRONG_MD5 = "wrong MD5"
    """The next MD5 is told wrongly."""
    UNPLUG = "unplug"
    """The badge is pulled off before it replies."""


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong with one command.

    at: the command, counted from 1 over the badge's life; returns_after: seconds until an unplugged badge is plugged in
    again, None for never.
    """

    kind: Kind
    at: int
    returns_after: float | None = 0.2


@dataclass(frozen=True)
class Trouble:
    """All that is wrong with one badge: faults on the line, or a chip that must be refused."""

    faults: tuple[Fault, ...] = ()
    chip_id: int | None = None
    secure_boot: bool = False
    secure_download: bool = False
    flash_encryption: bool = False


ESP32_S3 = 9
COMMANDS = 120
"""Faults hit one of so many first commands: about as many as it takes to connect and flash."""


def draw(seed: int, number: int, rate: float) -> Trouble:
    """What is wrong with the badge of this number: the same for the same seed.

    :param rate: which part of all badges has anything wrong.
    """
    source = random.Random(f"{seed}/{number}")
    if source.random() >= rate:
        return Trouble()
    at = source.randint(1, COMMANDS)
    return source.choice(
        (
            Trouble((Fault(Kind.DROP, at),)),
            Trouble((Fault(Kind.NACK, at),)),
            Trouble((Fault(Kind.BIT_ROT, at),)),
            Trouble((Fault(Kind.STUCK, at),)),
            Trouble((Fault(Kind.WRONG_MD5, at),)),
            Trouble((Fault(Kind.UNPLUG, at),)),
            Trouble((Fault(Kind.UNPLUG, at, returns_after=None),)),
            Trouble(chip_id=ESP32_S3),
            Trouble(secure_boot=True),
        )
    )
