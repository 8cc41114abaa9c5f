# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A table of simulated badges, for trying things by hand and for other processes: prints the port and the MAC of each
badge, and serves them until it is interrupted or its standard input ends."""

from __future__ import annotations

import argparse
import itertools
import select
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from . import INSTANT, NATIVE_USB, SERIAL, Badge, Slot, draw, mac_of, slots
from .boot import switch_on
from .play import write_variables

SPEEDS = {"instant": INSTANT, "usb": NATIVE_USB, "serial": SERIAL}
_PAUSE = 0.1


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """The parsed command line."""
    parser = argparse.ArgumentParser("python -m tests.badge_simulator", description=__doc__)
    parser.add_argument("--count", type=int, default=8, help="slots (%(default)s)")
    parser.add_argument("--folder", type=Path, help="where the slots' links are made (a temporary folder)")
    parser.add_argument("--badges", type=int, help="badges in all (as many as slots)")
    parser.add_argument("--swap", type=float, help="seconds from closing a port to the next badge (never)")
    parser.add_argument("--faults", type=float, default=0.0, help="which part of the badges has a fault (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the same faults for the same seed (%(default)s)")
    parser.add_argument("--speed", choices=SPEEDS, default="instant", help="of line and flash (%(default)s)")
    options = parser.parse_args(given)
    if options.count < 1 or not 0 <= options.faults <= 1:
        parser.error("--count has to be at least 1, --faults from 0 to 1")
    return options


def plug(slot: Slot, badge: Badge) -> None:
    """Plug a badge in and say so."""
    slot.plug(badge)
    print(f"{slot.port} {badge.mac}", flush=True)


def interrupted() -> bool:
    """Whether standard input has ended; waits a moment for that."""
    readable, _, _ = select.select([sys.stdin], [], [], _PAUSE)
    return bool(readable) and not sys.stdin.readline()


def main(given: Sequence[str]) -> int:
    """Run the table; at its end say what became of each badge."""
    options = arguments(given)
    total = options.badges or options.count
    badges = [
        Badge(mac_of(number), trouble=draw(options.seed, number, options.faults), speed=SPEEDS[options.speed])
        for number in range(1, total + 1)
    ]
    waiting = iter(badges)
    with ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        table = stack.enter_context(slots(folder, options.count))
        write_variables(folder, table)
        for slot, badge in zip(table, itertools.islice(waiting, options.count), strict=False):
            plug(slot, badge)
        try:
            while not interrupted():
                for slot in table:
                    if options.swap is not None and slot.idle is not None and slot.idle >= options.swap:
                        slot.pull()
                        for following in itertools.islice(waiting, 1):
                            plug(slot, following)
        except KeyboardInterrupt:
            pass
    for badge in badges:
        start = switch_on(badge.flash)
        print(f"{badge.mac} {'starts' if not start.stops_at else 'stops at the ' + start.stops_at}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
