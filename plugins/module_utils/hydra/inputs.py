# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inputs of legacy jobsets, and where a declarative project has its specification."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from . import values
from .credentials import without_credentials
from .values import WrongFieldError, read_each, read_field

# What Hydra knows by itself and by the plugins it comes with; a server's own plugins add others.
INPUT_TYPES = frozenset(
    {"boolean", "build", "eval", "nix", "path", "string", "sysbuild"}
    | {"bzr", "bzr-checkout", "darcs", "git", "hg", "svn", "svn-checkout"}
    | {"bitbucketpulls", "giteapulls", "github_refs", "githubpulls", "gitlabpulls"}
)
INPUT_KEYS = ("type", "value", "notify_committers")
DECLARATIVE_KEYS = ("file", "type", "value")
TYPE_REMEDY = f"write one, such as git; known are {', '.join(sorted(INPUT_TYPES))}"
Input = dict[str, Any]


def read_inputs(written: object) -> dict[str, Input]:
    """The inputs by name, with only the keys that are written, each read as far as its type is known."""
    if not isinstance(written, Mapping):
        raise WrongFieldError("is not a mapping", "write NAME: {type: TYPE, value: VALUE}")
    return read_each((str(name), partial(_input, str(name), item)) for name, item in written.items())


def _input(name: str, item: object) -> Input:
    read_field(name, name, values.input_name)
    return read_field(name, item, _parts)


def whole_inputs(inputs: Mapping[str, Input]) -> dict[str, Input]:
    """Inputs with all their keys, their values as the server keeps them: texts. Raises WrongFieldError."""
    try:
        return read_each((name, partial(_whole_input, name, parts)) for name, parts in inputs.items())
    except WrongFieldError as wrong:
        raise wrong.under("inputs") from wrong


def _whole_input(name: str, parts: Input) -> Input:
    if "type" not in parts:
        raise WrongFieldError("has no type", TYPE_REMEDY, name)
    if "value" not in parts:
        raise WrongFieldError("has no value", 'write one; "" is an empty string', name)
    whole = read_field(name, parts, _parts)
    return {"type": whole["type"], "value": whole["value"], "notify_committers": whole.get("notify_committers", False)}


def _parts(item: object) -> Input:
    parts = _keys(item, INPUT_KEYS)
    kind = read_field("type", parts["type"], _type) if "type" in parts else None
    readers: dict[str, Callable[[object], object]] = {
        "type": _type,
        "value": lambda value: _value(kind, value),
        "notify_committers": values.boolean,
    }
    return read_each((key, partial(read_field, key, parts[key], read)) for key, read in readers.items() if key in parts)


def _type(value: object) -> str:
    if not values.text(value):
        raise WrongFieldError("is empty", TYPE_REMEDY)
    return values.text(value)


def _value(kind: str | None, value: object) -> object:
    if isinstance(value, (dict, list)):
        raise WrongFieldError("is not a single value", "Hydra keeps one text per input: write one")
    if kind is None and isinstance(value, bool):
        return value  # fine for a boolean, and whether it is one is known only of the whole input
    if kind == "boolean":
        return "true" if values.boolean(value) else "false"
    if not isinstance(value, str):
        raise WrongFieldError("is not a text, and Hydra would change how it is written", "write it in quotes")
    if kind == "eval":
        return values.evaluation(value)
    return value if kind in ("string", None) else values.text(value)


def read_declarative(written: object) -> dict[str, str]:
    """Where the specification of a declarative project is; empty for a project that is not declarative."""
    parts = _keys(written, DECLARATIVE_KEYS)
    if not parts:
        return {}
    for key in DECLARATIVE_KEYS:
        if parts.get(key, "") == "":
            remedy = "write file, type and value; {} for a project that is not declarative"
            raise WrongFieldError("is missing", remedy, key)
    return {key: read_field(key, parts[key], values.text) for key in DECLARATIVE_KEYS}


def unknown_types(document: Mapping[str, Any]) -> list[str]:
    """Sentences about the input types of a project or jobset that neither Hydra nor its plugins have."""
    found = {f"inputs.{name}.type": item["type"] for name, item in document.get("inputs", {}).items()}
    if document.get("declarative"):
        found["declarative.type"] = document["declarative"]["type"]
    return [
        f'{field}: "{without_credentials(kind)}" is no input type of Hydra itself; the server refuses it unless'
        " a plugin there adds it"
        for field, kind in found.items()
        if kind not in INPUT_TYPES
    ]


def _keys(item: object, known: tuple[str, ...]) -> Input:
    if not isinstance(item, Mapping):
        raise WrongFieldError("is not a mapping", f"write {{{', '.join(f'{key}: …' for key in known[:2])}}}")
    read_each((str(key), partial(_known, str(key), known)) for key in item)
    return {key: value for key, value in item.items() if value is not None}


def _known(key: str, known: tuple[str, ...]) -> None:
    if key not in known:
        raise WrongFieldError("is not a key here", f"known keys: {', '.join(known)}", key)
