# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put a recorded state back: as much as can be, and say what cannot."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.commands import Run, shown
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.journal import Saved, restore_paths
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.model import Request, ServiceConfigError
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.plan import UNIT_FOLDERS, matches
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.systemd import (
    Action,
    UnitState,
    perform,
    read_states,
    reload_units,
)


def roll_back(saved: Saved, request: Request, run: Run, *, services_touched: bool) -> list[str]:
    """Put files back, run the apply commands they concern, and return units to their former state.

    Never raises for what it meets on the way, since the rest must still be put back; returns the problems instead.
    """
    problems: list[str] = []
    now: dict[str, UnitState] = {}
    if services_touched:
        try:
            now = read_states(list(saved.units), run)
        except ServiceConfigError as error:
            problems.append(str(error))
        # Units that are new must go while their files are still there.
        problems += _perform_each(_withdrawals(saved, now), run)
    restored, unrestored = restore_paths(saved)
    problems += unrestored
    if any(path.startswith(UNIT_FOLDERS) for path in restored):
        try:
            reload_units(run)
        except ServiceConfigError as error:
            problems.append(str(error))
    if services_touched:
        problems += _apply(saved, request, run)
        problems += _perform_each(_returns(saved, request, now), run)
    return problems


def _withdrawals(saved: Saved, now: Mapping[str, UnitState]) -> list[Action]:
    actions = []
    for name, state in now.items():
        former = saved.units[name]
        if state.enabled and not former.enabled:
            actions.append(Action("disable", name, ""))
        if state.running and not former.running:
            actions.append(Action("stop", name, ""))
    return actions


def _returns(saved: Saved, request: Request, now: Mapping[str, UnitState]) -> list[Action]:
    untouchable = {service.name for service in request.services if service.on_change == "none"}
    actions = []
    for name, former in saved.units.items():
        state = now.get(name, UnitState())
        if former.enabled and not state.enabled:
            actions.append(Action("enable", name, ""))
        if former.running and not (state.running and name in untouchable):
            actions.append(Action("restart", name, ""))
    return actions


def _apply(saved: Saved, request: Request, run: Run) -> list[str]:
    problems = []
    for item in request.apply:
        if matches((wanted.path for wanted in saved.paths), item.when):
            result = run(item.command)
            if result.returncode:
                problems.append(f"{shown(item.command)} ended with {result.returncode}: {result.output()}")
    return problems


def _perform_each(actions: list[Action], run: Run) -> list[str]:
    problems = []
    for action in actions:
        try:
            perform([action], run)
        except ServiceConfigError as error:
            problems.append(str(error))
    return problems
