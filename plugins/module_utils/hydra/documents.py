# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Projects and jobsets in their normal form, and the way there from what is written and from what the server says.

Normal form: a dictionary with every field of `fields` and nothing else; texts without null, numbers and times as
integers, flags as booleans, `declarative` and `inputs` empty or with all their keys, input values as texts; a flake
jobset has neither expression nor inputs, a legacy one no flake. Names are not part of it. Two documents are equal
exactly when Hydra would not tell them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from .fields import CHOICE, FLAG, JOBSET, JOBSET_DEFAULTS, NESTED, PROJECT, PROJECT_DEFAULTS, TEXT, Field
from .inputs import whole_inputs
from .values import WrongFieldError, read_each, read_field

Document = dict[str, Any]


def read_wanted(fields: tuple[Field, ...], written: Mapping[str, Any]) -> Document:
    """The fields that are named (not null), each read. Raises WrongFieldError."""
    named = ((field, written.get(field.name)) for field in fields)
    return read_each(
        (field.name, partial(read_field, field.name, value, field.read)) for field, value in named if value is not None
    )


def project_of(answer: Mapping[str, Any]) -> Document:
    """The normal form of what the server says about a project."""
    document = {field.name: _from_api(field, answer.get(field.api)) for field in PROJECT if field.kind != NESTED}
    declarative = answer.get("declarative") or {}
    return document | {
        "visible": not answer.get("hidden"),
        "declarative": {key: str(declarative.get(key) or "") for key in ("file", "type", "value")}
        if declarative.get("file")
        else {},
    }


def jobset_of(answer: Mapping[str, Any]) -> Document:
    """The normal form of what the server says about a jobset."""
    document = {field.name: _from_api(field, answer.get(field.api)) for field in JOBSET if field.kind != NESTED}
    inputs = answer.get("inputs") or {}
    return document | {
        "inputs": {
            name: {
                "type": str(item.get("type") or ""),
                "value": str(item.get("value") or ""),
                "notify_committers": bool(item.get("emailresponsible")),
            }
            for name, item in sorted(inputs.items())
        }
    }


def _from_api(field: Field, value: Any) -> Any:
    if field.kind == FLAG:
        return bool(value)
    if field.kind == CHOICE:
        return field.choices[int(value or 0)]
    return str(value or "") if field.kind == TEXT else int(value or 0)


def target_project(name: str, wanted: Document, current: Document | None, exact: bool) -> Document:
    """What the project shall be: what is named, over what it is; with `exact`, or when it is new, over the defaults.

    The owner has no default: that of a new project is who makes it, written as an empty text.
    """
    if current is None:
        base = PROJECT_DEFAULTS | {"display_name": name}
    elif exact:
        base = PROJECT_DEFAULTS | {"display_name": name, "owner": current["owner"]}
    else:
        base = current
    return base | wanted


def target_jobset(wanted: Document, current: Document | None, exact: bool) -> Document:
    """What the jobset shall be; see `target_project`. Without `exact`, inputs and their keys that are not named stay
    too. Raises WrongFieldError where fields do not fit together."""
    base = JOBSET_DEFAULTS if exact or current is None else current
    kind = _type(wanted, None if exact else current)
    _exclude(kind, wanted)
    target = base | wanted | {"type": kind}
    if kind == "flake":
        target |= {"nix_expression": "", "nix_expression_input": "", "inputs": {}}
        return _complete(target, ("flake",), 'such as "github:NixOS/nixpkgs/master"')
    before = base["inputs"]
    named = {name: before.get(name, {}) | parts for name, parts in wanted.get("inputs", {}).items()}
    inputs = before | whole_inputs(named)
    target |= {"flake": "", "inputs": dict(sorted(inputs.items()))}
    return _complete(target, ("nix_expression", "nix_expression_input"), "or a flake")


def read_jobset(written: Mapping[str, Any]) -> Document:
    """The fields of a jobset that are named. Raises WrongFieldError, also where they cannot go together."""
    wanted = read_wanted(JOBSET, written)
    if any(wanted.get(name) for name in ("type", "flake", "nix_expression", "nix_expression_input")):
        _exclude(_type(wanted, None), wanted)
    return wanted


def _exclude(kind: str, wanted: Document) -> None:
    for name in ("nix_expression", "nix_expression_input", "inputs") if kind == "flake" else ("flake",):
        if wanted.get(name):
            others, it = ("legacy jobsets", "a flake") if kind == "flake" else ("flake jobsets", "a legacy one")
            raise WrongFieldError(f"belongs to {others}, and Hydra drops it for {it}", "remove it", name)


def _type(wanted: Document, current: Document | None) -> str:
    if "type" in wanted:
        return str(wanted["type"])
    legacy = wanted.get("nix_expression") or wanted.get("nix_expression_input")
    if wanted.get("flake") and legacy:
        raise WrongFieldError("and nix_expression exclude each other", "write one of them", "flake")
    if wanted.get("flake"):
        return "flake"
    return "legacy" if legacy or current is None else str(current["type"])


def _complete(target: Document, required: tuple[str, ...], example: str) -> Document:
    for name in required:
        if not target[name]:
            raise WrongFieldError(f"is missing for a {target['type']} jobset", f"write one, {example}", name)
    return target


def project_body(document: Document) -> dict[str, Any]:
    """The request that makes a project so. Flags that are off are left out: to the server, false means true."""
    body = _body(PROJECT, document)
    if document["declarative"]:
        body["declarative"] = document["declarative"]
    if not document["owner"]:
        del body["owner"]
    return body


def jobset_body(document: Document) -> dict[str, Any]:
    """The request that makes a jobset so; see `project_body`."""
    inputs = {}
    for name, item in document["inputs"].items():
        inputs[name] = {"type": item["type"], "value": item["value"]}
        if item["notify_committers"]:
            inputs[name]["emailresponsible"] = True
    return _body(JOBSET, document) | {"inputs": inputs}


def _body(fields: tuple[Field, ...], document: Document) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for field in fields:
        value = document[field.name]
        if field.kind == FLAG:
            body |= {"visible" if field.name == "visible" else field.api: True} if value else {}
        elif field.kind == CHOICE:
            body[field.api] = field.choices.index(value)
        elif field.kind != NESTED:
            body[field.api] = value
    return body


def warnings_of(document: Document) -> list[str]:
    """What the server accepts and nobody can have meant."""
    expression_input = document.get("nix_expression_input")
    if expression_input and expression_input not in document["inputs"]:
        return [f'nix_expression_input: the jobset has no input "{expression_input}", so it will not evaluate']
    return []
