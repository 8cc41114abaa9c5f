# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One project whole, or one jobset: read, plan, and unless in check mode carry the plans out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import values
from .client import path_of
from .documents import Document, warnings_of
from .errors import HydraError
from .inputs import unknown_types
from .plan import NONE, Plan, plan_jobset, plan_project, plan_removal
from .server import DECLARED, Replan, Server
from .values import WrongFieldError, read_field
from .wanted import ABSENT, WantedJobset, read_jobset, read_name, read_project


@dataclass
class Outcome:
    """Every plan, whether it changes something or not, and what the user should know."""

    plans: list[Plan] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def changes(self) -> list[Plan]:
        """The plans that change something."""
        return [plan for plan in self.plans if plan.action != NONE]

    def result(self) -> dict[str, Any]:
        """The part of a module's result that all modules share."""
        return {
            "changed": bool(self.changes),
            "diff": [plan.difference for plan in self.changes],
            "changes": [
                {"subject": plan.subject, "action": plan.action, "fields": plan.fields} for plan in self.changes
            ],
        }


@dataclass(frozen=True)
class Step:
    """A plan, where it is sent, and how to make it anew from what the server says then."""

    plan: Plan
    path: str
    replan: Replan


def _project_step(server: Server, name: str, wanted: Document | None, current: Document | None, exact: bool) -> Step:
    """The step for a project; wanted: None to remove it."""

    def plan(now: Document | None) -> Plan:
        return plan_project(name, wanted, now, exact) if wanted is not None else plan_removal(f"project {name}", now)

    return Step(plan(current), path_of("project", name), lambda: plan((server.project(name) or (None, []))[0]))


def _jobset_step(server: Server, project: str, jobset: WantedJobset, current: Document | None, exact: bool) -> Step:
    def plan(now: Document | None) -> Plan:
        if jobset.absent:
            return plan_removal(f"jobset {project}:{jobset.name}", now)
        return plan_jobset(project, jobset.name, jobset.fields, now, exact)

    path = path_of("jobset", project, jobset.name)
    return Step(plan(current), path, lambda: plan(server.jobset(project, jobset.name)))


def manage_project(server: Server, options: Mapping[str, Any], *, check: bool) -> Outcome:
    """Bring a project to what module hydra_project was told."""
    exact, purge = bool(options["exact"]), bool(options["purge_jobsets"])
    name, wanted, jobsets = read_project(options)
    _each_once(name, jobsets)
    _not_declared(name, wanted.get("declarative"), bool(jobsets or purge))
    current, present = server.project(name) or (None, [])
    if options["state"] == ABSENT:
        return _finish(server, [_project_step(server, name, None, current, exact)], check)
    steps = [_project_step(server, name, wanted, current, exact)]
    _not_declared(name, (steps[0].plan.after or {}).get("declarative"), bool(jobsets or purge))
    listed = {jobset.name for jobset in jobsets} | {DECLARED}
    gone = [_gone(name, other) for other in present if purge and other not in listed]
    for jobset in (*jobsets, *gone):
        before = server.jobset(name, jobset.name) if jobset.name in present else None
        steps.append(_jobset_step(server, name, jobset, before, exact))
    return _finish(server, steps, check)


def _gone(project: str, jobset: str) -> WantedJobset:
    """A jobset to purge. Its name is the server's word, and becomes a part of an address."""
    try:
        return WantedJobset(read_field("jobset", jobset, values.jobset_name), {}, absent=True)
    except WrongFieldError as wrong:
        told = f'"{wrong.shown}", which the server lists, {wrong.problem}; remove it on Hydra\'s page'
        raise HydraError(f"project {project}: purge_jobsets: {told}") from wrong


def manage_jobset(server: Server, options: Mapping[str, Any], *, check: bool) -> Outcome:
    """Bring a jobset to what module hydra_jobset was told."""
    exact = bool(options["exact"])
    name = read_name(options["project"])
    jobset = read_jobset(name, options)
    step = _jobset_step(server, name, jobset, server.jobset(name, jobset.name), exact)
    warnings = _project_problems(server, step.plan, name, check) if step.plan.action != NONE else []
    outcome = _finish(server, [step], check)
    outcome.warnings += warnings
    return outcome


def _project_problems(server: Server, plan: Plan, name: str, check: bool) -> list[str]:
    """What of the project stands in the way of a change of a jobset. In check mode the project may still be to come."""
    project = server.project(name)
    missing = f"{plan.subject}: project {name} does not exist; create it first, with hydra_project"
    if project is None and not check:
        raise HydraError(missing)
    if project and project[0]["declarative"]:
        file = project[0]["declarative"]["file"]
        raise HydraError(f"{plan.subject}: the project is declarative: change {file} in its repository instead")
    return [] if project else [missing]


def _not_declared(name: str, declarative: Document | None, jobsets: bool) -> None:
    if declarative and jobsets:
        raise HydraError(
            f"project {name}: jobsets: the project is declarative, so its jobsets come from {declarative['file']};"
            " remove jobsets and purge_jobsets here, or write declarative: {}"
        )


def _each_once(project: str, jobsets: Sequence[WantedJobset]) -> None:
    names = [jobset.name for jobset in jobsets]
    for name in names:
        if names.count(name) > 1:
            raise HydraError(f"jobset {project}:{name}: is listed twice; put what it needs together")


def _finish(server: Server, steps: Sequence[Step], check: bool) -> Outcome:
    """Carry the plans out, unless in check mode."""
    outcome = Outcome([step.plan for step in steps])
    for plan in outcome.plans:
        notes = unknown_types(plan.after) + warnings_of(plan.after) if plan.after else []
        outcome.warnings += [f"{plan.subject}: {note}" for note in notes]
    if not outcome.changes:
        return outcome
    if not check or server.client.may_sign_in:
        # In check mode too, to foretell that the server would refuse the password or ignore the owner.
        server.client.sign_in()
        for plan in outcome.changes:
            server.check_owner(plan)
    if not check:
        outcome.plans = [
            server.carry_out(step.plan, step.path, step.replan) if step.plan.action != NONE else step.plan
            for step in steps
        ]
    return outcome
