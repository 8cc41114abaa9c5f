# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Projects and jobsets as a task names them, read before any request. Raises HydraError, with all mistakes at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from . import values
from .documents import Document, read_wanted
from .documents import read_jobset as read_fields
from .errors import HydraError
from .fields import PROJECT
from .values import WrongFieldError, read_each, read_field, shown_value

ABSENT = "absent"


@dataclass(frozen=True)
class WantedJobset:
    """A jobset as a task names it. absent: it shall not be."""

    name: str
    fields: Document
    absent: bool


def read_name(project: object) -> str:
    """The name of a project by itself."""
    try:
        return read_field("name", project, values.project_name)
    except WrongFieldError as wrong:
        raise HydraError(wrong.told(f"project {shown_value(project)}")) from wrong


def read_jobset(project: object, written: Mapping[str, Any]) -> WantedJobset:
    """A jobset from a task's options."""
    absent = written.get("state") == ABSENT
    subject = f"jobset {shown_value(project)}:{shown_value(written['name'])}"
    name = partial(read_field, "name", written["name"], values.jobset_name)
    fields = _whole(subject, {"name": name, "fields": lambda: {} if absent else read_fields(written)})
    return WantedJobset(written["name"], fields["fields"], absent)


def read_project(written: Mapping[str, Any]) -> tuple[str, Document, list[WantedJobset]]:
    """A project with its jobsets, from a task's options."""
    name = partial(read_field, "name", written["name"], values.project_name)
    reads: list[Callable[[], Any]] = [
        lambda: _whole(
            f"project {shown_value(written['name'])}",
            {"name": name, "fields": lambda: read_wanted(PROJECT, written)},
        ),
        *(partial(read_jobset, written["name"], jobset) for jobset in written["jobsets"]),
    ]
    found, problems = [], []
    for read in reads:
        try:
            found.append(read())
        except HydraError as problem:
            problems.append(str(problem))
    if problems:
        raise HydraError("\n".join(problems))
    return written["name"], found[0]["fields"], found[1:]


def _whole(subject: str, reads: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    try:
        return read_each(reads.items())
    except WrongFieldError as wrong:
        raise HydraError(wrong.told(subject)) from wrong
