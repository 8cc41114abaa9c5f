# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The transaction: read, plan, try out of sight, record, swap, apply, start, ask — or put everything back."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.nixvegas.noc.plugins.module_utils.service_config import secrecy
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.commands import Result, Run, shown
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.current import normalised, read_current
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.health import ask, wait_until_well
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.journal import Journal, Saved
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.model import Request, ServiceConfigError
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.plan import (
    Change,
    matches,
    plan_paths,
    touches_units,
)
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.rollback import roll_back
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.sandbox import run_checks
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.swap import Step, write_changes
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.systemd import (
    Action,
    UnitState,
    perform,
    plan_services,
    read_states,
    reload_units,
    unit_log,
)

STATE_FOLDER = Path("/var/lib/nixvegas.noc/service_config")
_SETTLE_SECONDS = 0.5


@dataclass
class Outcome:
    """What a run found and did (or would do)."""

    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    services_changed: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    skipped_checks: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    recovered: bool = False

    @property
    def changed(self) -> bool:
        """Whether anything differs from what is wanted."""
        return bool(self.changes or self.notes or self.recovered)


class Transaction:
    """One run of one request. C(step) is told what comes next, so that tests can end it anywhere."""

    def __init__(
        self,
        request: Request,
        run: Run,
        *,
        check_mode: bool,
        state_folder: Path = STATE_FOLDER,
        step: Step = lambda _name: None,
    ) -> None:
        """Prepare; nothing is read yet. C(check_mode): find out and try, change nothing."""
        self._request = normalised(request)
        self._run = run
        self._check_mode = check_mode
        self._step = step
        self._journal = Journal(state_folder / request.name)
        self._outcome = Outcome()
        self._secrets: set[bytes] = set()

    def execute(self) -> Outcome:
        """Do it all. Raises ServiceConfigError, whose message says whether the former state is back."""
        outcome = self._outcome
        try:
            self._execute()
        except ServiceConfigError as error:
            message = str(error)
        else:
            outcome.notes = [self._masked(note) for note in outcome.notes]
            outcome.warnings = [self._masked(warning) for warning in outcome.warnings]
            return outcome
        # Raised out here, the error does not drag along the one that quotes what a program said about a secret.
        raise ServiceConfigError(self._masked(message))

    def _masked(self, text: str) -> str:
        return secrecy.mask(text, self._secrets, secrecy.public_contents(self._request))

    def _execute(self) -> None:
        with contextlib.nullcontext() if self._check_mode else self._journal.lock():
            former = self._recover()
            current = {**read_current(self._request), **former.entries()}
            self._secrets |= secrecy.secret_contents(self._request, current)
            changes = plan_paths(self._request, current)
            states = {**self._read_states(), **former.units}
            self._outcome.changes = changes
            paths = [change.path for change in changes]
            actions = plan_services(self._request.services, states, paths)
            forced = self._find_illness(changes, actions, states)
            if forced:
                actions = plan_services(self._request.services, states, paths, forced=True)
            applies = self._applies(paths, forced=forced)
            self._outcome.notes += [f"apply: {shown(command)}" for command in applies]
            self._outcome.notes += [action.note for action in actions]
            self._outcome.services_changed = [action.note.removeprefix("service ") for action in actions]
            if changes:
                self._check(changes)
            if self._outcome.changed and not self._check_mode:
                self._change(changes, applies, actions, states)

    def _recover(self) -> Saved:
        """Put back what an interrupted run left, or (check mode) return what would be put back."""
        nothing = Saved((), {})
        saved = self._journal.load()
        if saved is None:
            return nothing
        self._outcome.recovered = True
        self._secrets |= secrecy.secret_contents(self._request, read_current(self._request), saved.entries())
        self._outcome.notes.append("recover: an earlier run was interrupted; its files and services are put back first")
        if self._check_mode:
            return saved
        self._outcome.warnings += roll_back(saved, self._request, self._run, services_touched=True)
        self._journal.clear()
        return nothing

    def _read_states(self) -> dict[str, UnitState]:
        names = [service.name for service in self._request.services]
        try:
            return read_states(names, self._run)
        except ServiceConfigError as error:
            if not self._check_mode:
                raise
            self._outcome.warnings.append(str(error))
            return {name: UnitState() for name in names}

    def _find_illness(self, changes: Sequence[Change], actions: Sequence[Action], states: dict[str, UnitState]) -> bool:
        """Ask for health where a bad answer is not merely the consequence of what is known already."""
        if any(action.verb in ("start", "stop") for action in actions):
            return False
        if changes and not any(state.running for state in states.values()):
            return False
        complaints, missing = ask(self._request.health, self._run)
        if missing and self._check_mode:
            self._outcome.warnings.append(f"health is not known: {', '.join(sorted(set(missing)))} not installed yet")
            return False
        self._outcome.notes += [f"repair: {text}" for text in complaints]
        return bool(complaints)

    def _applies(self, paths: Sequence[str], *, forced: bool) -> list[tuple[str, ...]]:
        return [item.command for item in self._request.apply if forced or matches(paths, item.when)]

    def _check(self, changes: Sequence[Change]) -> None:
        if not self._request.checks:
            return
        report = run_checks(changes, self._request.checks, self._run, tolerant=self._check_mode)
        self._outcome.warnings += report.warnings
        for command, result in zip(self._request.checks, report.results, strict=True):
            if result.missing and self._check_mode:
                self._outcome.skipped_checks.append(shown(command))
                self._outcome.warnings.append(f"not checked, {command[0]} is not installed yet: {shown(command)}")
            elif result.returncode:
                raise ServiceConfigError(_refusal(command, result, changes))
            else:
                self._outcome.checked.append(shown(command))

    def _change(
        self,
        changes: Sequence[Change],
        applies: Sequence[tuple[str, ...]],
        actions: Sequence[Action],
        states: dict[str, UnitState],
    ) -> None:
        self._step("record")
        saved = self._journal.write(changes, states)
        services_touched = False
        try:
            self._outcome.warnings += write_changes(changes, self._run, in_place=True, step=self._step)
            if touches_units(changes):
                reload_units(self._run)
            services_touched = True
            self._step("apply")
            self._run_all(applies)
            self._step("services")
            perform(actions, self._run)
            self._step("health")
            self._await_health(changes)
        except (ServiceConfigError, OSError) as error:
            if not changes:
                self._journal.clear()
                raise ServiceConfigError(
                    f"{error}\nNo file differs from what is wanted, so there is nothing to put back."
                ) from error
            problems = roll_back(saved, self._request, self._run, services_touched=services_touched)
            if not problems:
                self._journal.clear()
                raise ServiceConfigError(f"{error}\nThe former configuration is back.") from error
            text = "\n".join(problems)
            raise ServiceConfigError(
                f"{error}\nPutting the former configuration back was not complete:\n{text}"
            ) from error
        self._step("end")
        self._journal.clear()

    def _run_all(self, commands: Sequence[tuple[str, ...]]) -> None:
        for command in commands:
            result = self._run(command)
            if result.returncode:
                raise ServiceConfigError(f"{shown(command)} ended with {result.returncode}:\n{result.output()}")

    def _await_health(self, changes: Sequence[Change]) -> None:
        request = self._request
        if request.services and not request.health:
            # Nothing but systemd can say whether they are well, and it needs a moment to see that they are not.
            time.sleep(_SETTLE_SECONDS)
        complaints = wait_until_well(self._complaints, request.health_timeout)
        if complaints and not changes:
            # Starting what was stopped was not enough.
            self._run_all(self._applies([], forced=True))
            perform(plan_services(request.services, self._read_states(), [], forced=True), self._run)
            complaints = wait_until_well(self._complaints, request.health_timeout)
        if complaints:
            text = "\n".join(complaints)
            raise ServiceConfigError(f"{request.name} is not well after {request.health_timeout:g} s:\n{text}")

    def _complaints(self) -> list[str]:
        states = self._read_states()
        down = [s.name for s in self._request.services if s.state == "started" and not states[s.name].running]
        if down:
            return [*(f"{name} is {states[name].active}" for name in down), unit_log(down, self._run)]
        return ask(self._request.health, self._run)[0]


def _refusal(command: Sequence[str], result: Result, changes: Sequence[Change]) -> str:
    files = ", ".join(change.path for change in changes)
    return (
        f"{shown(command)} refuses the new files (ended with {result.returncode}):\n{result.output()}\n"
        f"Changed files: {files}\nNothing was changed."
    )
