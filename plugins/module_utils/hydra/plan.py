# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be done to one project or jobset: one plan for check mode, diff and change. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .credentials import without_credentials
from .documents import Document, target_jobset, target_project
from .errors import HydraError
from .fields import DURATION, JOBSET, JOBSET_DEFAULTS, PROJECT, PROJECT_DEFAULTS
from .values import WrongFieldError, shown_duration

NONE, CREATE, UPDATE, DELETE = "none", "create", "update", "delete"


@dataclass(frozen=True)
class Plan:
    """One project ("project demo") or jobset ("jobset demo:main"), before and after; None where it does not exist."""

    subject: str
    before: Document | None
    after: Document | None

    @property
    def action(self) -> str:
        """What is to be done."""
        if self.before == self.after:
            return NONE
        if self.before is None:
            return CREATE
        return DELETE if self.after is None else UPDATE

    @property
    def fields(self) -> list[str]:
        """Names of the fields that change, such as inputs.nixpkgs.value."""
        before, after = shown_fields(self.before), shown_fields(self.after)
        return [name for name in {**before, **after} if before.get(name) != after.get(name)]

    @property
    def difference(self) -> dict[str, str]:
        """The fields that change, for Ansible's diff. Credentials in URLs are not shown."""
        return {
            "before_header": self.subject,
            "after_header": self.subject,
            "before": self._lines(self.before),
            "after": self._lines(self.after),
        }

    def _lines(self, document: Document | None) -> str:
        shown = shown_fields(document)
        defaults = shown_fields(JOBSET_DEFAULTS if document and "inputs" in document else PROJECT_DEFAULTS)
        names = (
            [name for name in self.fields if name in shown]
            if self.action == UPDATE
            else [name for name, value in shown.items() if value != defaults.get(name)]
        )
        return "".join(f"{name}: {_masked(self, document, name, shown[name])}\n" for name in names)


def _masked(plan: Plan, document: Document | None, name: str, value: str) -> str:
    """A value without credentials; where only they change, saying so."""
    masked = without_credentials(value)
    other = shown_fields(plan.after if document is plan.before else plan.before).get(name)
    if masked != value and other is not None and other != value and without_credentials(other) == masked:
        return f"{masked} (credentials {'before' if document is plan.before else 'after'})"
    return masked


def shown_fields(document: Document | None) -> dict[str, str]:
    """The fields of a document as a reader sees them: one text each, those inside of others under their path."""
    durations = {field.name for field in (*PROJECT, *JOBSET) if field.kind == DURATION}
    found: dict[str, str] = {}

    def walk(path: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                walk(f"{path}.{key}" if path else key, item)
        elif isinstance(value, bool):
            found[path] = "true" if value else "false"
        else:
            found[path] = str(shown_duration(value)) if path in durations else str(value)

    walk("", document or {})
    return found


def plan_project(name: str, wanted: Document, current: Document | None, exact: bool) -> Plan:
    """The plan that brings a project to what is wanted."""
    after = target_project(name, wanted, current, exact)
    return Plan(f"project {name}", current, after)


def plan_jobset(project: str, name: str, wanted: Document, current: Document | None, exact: bool) -> Plan:
    """The plan that brings a jobset to what is wanted. Raises HydraError where fields do not fit together."""
    try:
        after = target_jobset(wanted, current, exact)
    except WrongFieldError as wrong:
        raise HydraError(wrong.told(f"jobset {project}:{name}")) from wrong
    return Plan(f"jobset {project}:{name}", current, after)


def plan_removal(subject: str, current: Document | None) -> Plan:
    """The plan that removes a project or jobset."""
    return Plan(subject, current, None)
