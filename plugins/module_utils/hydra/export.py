# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Projects and jobsets as the part of the event file that makes them so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from . import values
from .credentials import without_credentials
from .documents import Document, read_jobset, read_wanted, target_jobset
from .fields import DURATION, JOBSET, JOBSET_DEFAULTS, PROJECT, PROJECT_DEFAULTS, Field
from .plan import shown_fields
from .values import WrongFieldError, read_field, shown_duration

# Words that YAML, by whatever version, may take for something else than a text are quoted, and so are all others that
# are not plainly words.
PLAIN = re.compile(r"[0-9]+[smhdw]|[A-Za-z_/][A-Za-z0-9_./:@+-]*(?: [A-Za-z0-9_./:@+-]+)*")
NOT_PLAIN = re.compile(r"(?i)y|n|yes|no|true|false|on|off|null|.*:|.*: .*")
UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
Jobsets = Mapping[str, Document]


def event_part(url: str, projects: Mapping[str, tuple[Document, Jobsets]]) -> dict[str, Any]:
    """The `hydra` key of an event file. What is as the defaults are is left out."""
    part: dict[str, Any] = {"url": url, "projects": {}, "jobsets": {}}
    for name, (project, jobsets) in projects.items():
        part["projects"][name] = _without_defaults(PROJECT, project, PROJECT_DEFAULTS | {"display_name": name})
        for jobset, document in () if project["declarative"] else jobsets.items():
            part["jobsets"][f"{name}:{jobset}"] = _jobset(document)
    return part if part["jobsets"] else {key: value for key, value in part.items() if key != "jobsets"}


def _jobset(document: Document) -> Document:
    found = _without_defaults(JOBSET, document, JOBSET_DEFAULTS | {"type": document["type"]})
    if "inputs" in found:
        found["inputs"] = {
            name: {key: value for key, value in item.items() if value is not False}
            for name, item in document["inputs"].items()
        }
    return found


def _without_defaults(fields: tuple[Field, ...], document: Document, defaults: Document) -> Document:
    return {
        field.name: shown_duration(document[field.name]) if field.kind == DURATION else document[field.name]
        for field in fields
        if document[field.name] != defaults[field.name]
    }


def notes_of(projects: Mapping[str, tuple[Document, Jobsets]]) -> list[str]:
    """What to know about an export: values that the server holds, but no event file may, and credentials in it."""
    notes = []
    for name, (project, jobsets) in projects.items():
        notes += [f"project {name}: {note}" for note in _notes(project, partial(_read_project, name, project))]
        for jobset, document in jobsets.items():
            read = partial(_read_jobset, jobset, document)
            notes += [f"jobset {name}:{jobset}: {note}" for note in _notes(document, read)]
    return notes


def _notes(document: Document, read: Callable[[], object]) -> list[str]:
    fields = shown_fields(document).items()
    secret = [field for field, value in fields if without_credentials(value) != value]
    notes = [f"{field} holds credentials: keep the export where nobody else reads it" for field in secret]
    try:
        read()
    except WrongFieldError as wrong:
        notes.append(f"{wrong}; Hydra has it, an event file may not: correct it on Hydra's page")
    return notes


def _read_project(name: str, project: Document) -> None:
    read_field("name", name, values.project_name)
    read_wanted(PROJECT, project)


def _read_jobset(name: str, jobset: Document) -> None:
    read_field("name", name, values.jobset_name)
    target_jobset(read_jobset(jobset), None, exact=True)


def as_yaml(data: Mapping[str, Any], indent: str = "") -> str:
    """A mapping as YAML to read and edit; mappings of single values, such as inputs, on one line."""
    lines = []
    for key, value in data.items():
        name = _scalar(key)
        if isinstance(value, dict) and (not value or _is_leaf(value)):
            lines.append(f"{indent}{name}: {_flow(value)}\n")
        elif isinstance(value, dict):
            lines.append(f"{indent}{name}:\n{as_yaml(value, indent + '  ')}")
        else:
            lines.append(f"{indent}{name}: {_scalar(value)}\n")
    return "".join(lines)


def _is_leaf(value: Mapping[str, Any]) -> bool:
    """Whether it is an input, or where a declarative project has its specification."""
    return "value" in value and isinstance(value["value"], str)


def _flow(value: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{_scalar(key)}: {_scalar(item)}" for key, item in value.items()) + "}"


def _scalar(value: object) -> str:
    if isinstance(value, str) and PLAIN.fullmatch(value) and not NOT_PLAIN.fullmatch(value):
        return value
    text = json.dumps(value, ensure_ascii=False)
    return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
