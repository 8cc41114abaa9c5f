# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""systemd units: what state they are in, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.commands import Run
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.model import Service, ServiceConfigError
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.plan import matches

_PROPERTIES = ("LoadState", "ActiveState", "UnitFileState")
_RUNNING = ("active", "reloading", "refreshing")
_ENABLED = ("enabled", "enabled-runtime", "static", "indirect", "generated", "alias", "linked-runtime")


@dataclass(frozen=True)
class UnitState:
    """A unit as systemd sees it (its own words)."""

    load: str = "not-found"
    active: str = "inactive"
    file: str = ""

    @property
    def running(self) -> bool:
        """Whether the unit is up."""
        return self.active in _RUNNING

    @property
    def enabled(self) -> bool:
        """Whether the unit starts with the machine, or cannot be enabled because others pull it in."""
        return self.file in _ENABLED


@dataclass(frozen=True)
class Action:
    """One call of systemctl: a verb and a unit, and the sentence that says why."""

    verb: str
    unit: str
    note: str


def read_states(names: Sequence[str], run: Run) -> dict[str, UnitState]:
    """Ask systemd for all units in one call. Raises ServiceConfigError when it does not answer."""
    if not names:
        return {}
    result = run(["systemctl", "show", f"--property={','.join(_PROPERTIES)}", "--", *names])
    blocks = [block for block in result.stdout.split("\n\n") if block.strip()]
    if result.returncode or len(blocks) != len(names):
        raise ServiceConfigError(f"systemd does not answer about {', '.join(names)}: {result.output()}")
    return {name: _parse_block(block) for name, block in zip(names, blocks, strict=True)}


def plan_services(
    services: Sequence[Service], states: Mapping[str, UnitState], changed: Sequence[str], *, forced: bool = False
) -> list[Action]:
    """Return what to do with the units, in order: enable and disable, then stop, then start, reload or restart.

    C(changed) are the paths that changed. C(forced): restart whatever C(on_change) lets us touch, since it is ill.
    """
    enabling: list[Action] = []
    stopping: list[Action] = []
    starting: list[Action] = []
    for service in services:
        state = states[service.name]
        if service.enabled is not None and service.enabled != state.enabled:
            verb, words = ("enable", "enabled") if service.enabled else ("disable", "disabled")
            # Units that can neither be enabled nor are (static, missing) count as disabled already.
            if service.enabled or state.file in ("enabled", "enabled-runtime"):
                enabling.append(
                    Action(verb, service.name, f"service {service.name}: {state.file or state.load} → {words}")
                )
        if service.state == "stopped":
            if state.running or state.active == "activating":
                stopping.append(Action("stop", service.name, f"service {service.name}: {state.active} → inactive"))
        elif service.state == "started" and not state.running:
            starting.append(Action("start", service.name, f"service {service.name}: {state.active} → active"))
        elif state.running and service.on_change != "none":
            starting.extend(_on_change(service, changed, forced))
    return enabling + stopping + starting


def perform(actions: Sequence[Action], run: Run) -> None:
    """Do what was planned. Raises ServiceConfigError with what systemd and the unit's journal say."""
    for verb in ("enable", "disable"):
        units = [action.unit for action in actions if action.verb == verb]
        if units:
            _systemctl([verb, "--quiet", "--", *units], units, run)
    for action in actions:
        if action.verb in ("start", "restart"):
            # A unit that failed too often refuses to start until its counter is reset.
            run(["systemctl", "reset-failed", "--", action.unit])
        if action.verb not in ("enable", "disable"):
            _systemctl([action.verb, "--", action.unit], [action.unit], run)


def reload_units(run: Run) -> None:
    """Let systemd read its unit files again."""
    _systemctl(["daemon-reload"], [], run)


def unit_log(units: Sequence[str], run: Run) -> str:
    """Return the last lines that units said, or nothing without units."""
    command = ["journalctl", "--no-pager", "--quiet", "--lines=15", "--output=cat"]
    return run([*command, *(f"--unit={unit}" for unit in units)]).output() if units else ""


def _on_change(service: Service, changed: Sequence[str], forced: bool) -> list[Action]:
    relevant = [path for path in changed if matches([path], service.when)]
    if not relevant and not forced:
        return []
    verb = "restart"
    if service.on_change == "reload" and not forced and not any(_is_unit_file(path, service.name) for path in relevant):
        verb = "reload-or-restart"
    return [Action(verb, service.name, f"service {service.name}: {'reload' if verb != 'restart' else verb}")]


def _is_unit_file(path: str, unit: str) -> bool:
    stem, dot, suffix = unit.rpartition(".")
    template = f"{stem.split('@')[0]}@{dot}{suffix}" if "@" in stem else unit
    return any(path.endswith(f"/{name}") or f"/{name}.d/" in path for name in (unit, template))


def _parse_block(block: str) -> UnitState:
    values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
    return UnitState(
        load=values.get("LoadState", "not-found"),
        active=values.get("ActiveState", "inactive"),
        file=values.get("UnitFileState", ""),
    )


def _systemctl(arguments: Sequence[str], units: Sequence[str], run: Run) -> None:
    result = run(["systemctl", *arguments])
    if result.returncode:
        said = "\n".join(part for part in (result.output(), unit_log(units, run)) if part)
        raise ServiceConfigError(f"systemctl {' '.join(arguments)} failed:\n{said}")
