# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Projects and jobsets as the part of the event file that makes them so."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from .documents import Document
from .fields import DURATION, JOBSET, JOBSET_DEFAULTS, PROJECT, PROJECT_DEFAULTS, Field
from .values import shown_duration

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
    return {key: value for key, value in part.items() if value}


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
