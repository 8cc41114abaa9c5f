# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans carried out as transactions of Knot: every zone is prepared before the first is committed."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from .control import Control, ControlError
from .zone import Plan, Records, Step, ZoneError, live_records, make_plan


def read_zone(control: Control, zone: str, command: str = "zone-read") -> Records:
    """Return what the server serves, or with C(zone-get) what an open transaction holds; nothing for an empty zone."""
    try:
        return live_records(zone, control.query(command, zone))
    except ControlError as error:
        if "empty" in str(error):
            return {}
        raise


def apply_plans(control: Control, wanted: Mapping[str, Records], purge_dynamic: bool) -> dict[str, Plan]:
    """Bring the zones to C(wanted) and return what was done in each.

    The plans are made again inside the transactions, which hold dynamic updates back meanwhile.
    Raises ZoneError; then zones that were not yet committed are as before.
    """
    begun: list[str] = []
    committed: list[str] = []
    plans: dict[str, Plan] = {}
    try:
        for zone in wanted:
            _begin(control, zone)
            begun.append(zone)
            plans[zone] = make_plan(zone, wanted[zone], read_zone(control, zone, "zone-get"), purge_dynamic)
            for step in plans[zone].steps:
                _take(control, zone, step)
        for zone in wanted:
            _commit(control, zone, committed)
            committed.append(zone)
    finally:
        for zone in begun:
            if zone not in committed:
                with contextlib.suppress(ControlError):
                    control.query("zone-abort", zone)
    return plans


def _begin(control: Control, zone: str) -> None:
    try:
        control.query("zone-begin", zone)
    except ControlError as error:
        hint = ""
        if "too many transactions" in str(error):
            hint = f": somebody's transaction is open; let them commit it, or run: knotc zone-abort {zone}"
        raise ZoneError(f"zone {zone}: cannot begin a transaction ({error}){hint}") from error


def _take(control: Control, zone: str, step: Step) -> None:
    try:
        control.query(f"zone-{step.action}", zone, owner=step.name, ttl=step.ttl, rtype=step.rtype, data=step.data)
    except ControlError as error:
        line = " ".join(str(part) for part in (step.name, step.ttl, step.rtype, step.data) if part is not None)
        raise ZoneError(f"zone {zone}: cannot {step.action} record {line}: {error}. Nothing was changed.") from error


def _commit(control: Control, zone: str, committed: list[str]) -> None:
    try:
        control.query("zone-commit", zone)
    except ControlError as error:
        done = f"already committed: {', '.join(committed)}" if committed else "nothing was changed"
        raise ZoneError(f"zone {zone}: Knot refuses the zone ({error}); {done}. Why: journalctl -u knot") from error
