# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shapes of Hydra's answers, and how far an answer is from its shape: what comes after may rely on them.

A shape is a dictionary of the keys that are used (a missing one counts as null), a list with the shape of its elements,
``Each`` for a dictionary under any keys, or what else JSON may have there: types, values, or a tuple of alternatives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .fields import CHOICE, FLAG, JOBSET, NESTED, PROJECT, TEXT, Field

Shape = Any
NAMES = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "a flag",
    int: "an integer",
    float: "a fraction",
    None: "null",
    type(None): "null",
}


@dataclass(frozen=True)
class Each:
    """A dictionary under any keys, or null. shape: of each of its values."""

    shape: Shape


MAYBE_TEXT, MAYBE_NUMBER, MAYBE_FLAG = (str, int, None), (int, None), (bool, int, None)


def _fields(fields: tuple[Field, ...]) -> dict[str, Shape]:
    return {field.api: _shape_of(field) for field in fields if field.kind != NESTED}


def _shape_of(field: Field) -> Shape:
    if field.kind == CHOICE:
        return (*range(len(field.choices)), None)
    return {TEXT: MAYBE_TEXT, FLAG: MAYBE_FLAG}.get(field.kind, MAYBE_NUMBER)


PROJECTS_ANSWER = [{"name": str}]
PROJECT_ANSWER = _fields(PROJECT) | {"hidden": MAYBE_FLAG, "jobsets": [str], "declarative": Each(MAYBE_TEXT)}
JOBSET_ANSWER = _fields(JOBSET) | {
    "inputs": Each({"type": MAYBE_TEXT, "value": MAYBE_TEXT, "emailresponsible": MAYBE_FLAG}),
    "starttime": MAYBE_NUMBER,
    "triggertime": MAYBE_NUMBER,
    "lastcheckedtime": MAYBE_NUMBER,
}
EVALUATIONS_ANSWER = {"evals": [{"id": int}]}
BUILDS_ANSWER = [{"job": str, "system": MAYBE_TEXT, "finished": MAYBE_FLAG, "buildstatus": MAYBE_NUMBER}]
ERRORS_ANSWER = {"errormsg": MAYBE_TEXT, "fetcherrormsg": MAYBE_TEXT}
PUSH_ANSWER = {"error": MAYBE_TEXT, "jobsetsTriggered": ([str], None)}
USER_ANSWER = {"username": str, "userroles": ([str], None)}


def misfit(shape: Shape, data: Any, where: str = "its answer") -> str | None:
    """Where an answer is not of a shape, and what was expected; None if it is. Quotes keys, but no values: they may be
    secrets."""
    if isinstance(shape, Each):
        shape = dict.fromkeys(data, shape.shape) if isinstance(data, dict) else (dict, None)
    if isinstance(shape, dict) and isinstance(data, dict):
        parts = [(f"{where}.{key}", inner, data.get(key)) for key, inner in shape.items()]
    elif isinstance(shape, list) and isinstance(data, list):
        parts = [(f"{where}[{number}]", shape[0], item) for number, item in enumerate(data)]
    elif any(_fits(one, data) for one in (shape if isinstance(shape, tuple) else (shape,))):
        return None
    else:
        return f"{where} is {NAMES[type(data)]} instead of {_named(shape)}"
    return next((found for place, inner, value in parts if (found := misfit(inner, value, place))), None)


def _fits(shape: Shape, data: Any) -> bool:
    if shape is None or isinstance(shape, int):
        return data is shape or (isinstance(data, int) and not isinstance(data, bool) and data == shape)
    if isinstance(shape, type):
        return isinstance(data, shape)
    return isinstance(data, type(shape)) and misfit(shape, data) is None


def _named(shape: Shape) -> str:
    alternatives = shape if isinstance(shape, tuple) else (shape,)
    names = [
        str(one) if isinstance(one, int) else NAMES[one if one is None or isinstance(one, type) else type(one)]
        for one in alternatives
    ]
    return " or ".join(dict.fromkeys(names))
