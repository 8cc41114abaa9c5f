# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The key `hydra` of an event file: the fields of the hydra_* modules, read by the same readers."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.nixvegas.noc.plugins.module_utils.hydra import fields
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra import values as hydra_values
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.inputs import DECLARATIVE_KEYS

from . import values
from .document import Kind, Named, Record, Scalar
from .values import WrongValueError


def _scalar(read: Callable[[object], object]) -> Scalar:
    """A scalar that a reader of the modules reads."""

    def scalar(written: str) -> object:
        try:
            return read(written)
        except hydra_values.WrongFieldError as wrong:
            raise WrongValueError(wrong.problem, wrong.remedy) from wrong

    return Scalar(scalar)


def _url(written: str) -> str:
    try:
        return hydra_values.address(written)
    except hydra_values.WrongFieldError as wrong:
        raise WrongValueError(wrong.problem, wrong.remedy, secret="@" in written) from wrong


def _place(written: str) -> str:
    project, colon, jobset = written.partition(":")
    try:
        if not colon:
            raise hydra_values.WrongFieldError("names no project", f'write PROJECT:JOBSET, such as "nixpkgs:{written}"')
        hydra_values.project_name(project)
        hydra_values.jobset_name(jobset)
    except hydra_values.WrongFieldError as wrong:
        raise WrongValueError(wrong.problem, wrong.remedy) from wrong
    return written


def _some_text(written: object) -> str:
    if not hydra_values.text(written):
        raise hydra_values.WrongFieldError("is empty", "write some text")
    return hydra_values.text(written)


def _as_written(written: str) -> str:
    return written


INPUT = Record(
    # What a value may be depends on its type, so the checks look at it.
    {"type": Scalar(values.text), "value": Scalar(_as_written), "notify_committers": Scalar(values.boolean)},
    frozenset({"type", "value"}),
)
NESTED: dict[str, Kind] = {
    "declarative": Record(dict.fromkeys(DECLARATIVE_KEYS, _scalar(_some_text)), frozenset(DECLARATIVE_KEYS)),
    "inputs": Named("input", _scalar(hydra_values.input_name), INPUT),
}


def _keys(table: tuple[fields.Field, ...]) -> dict[str, Kind]:
    return {field.name: NESTED.get(field.name) or _scalar(field.read) for field in table}


HYDRA = Record(
    {
        "url": Scalar(_url),
        "projects": Named(
            "project",
            _scalar(hydra_values.project_name),
            Record(_keys(fields.PROJECT) | {"purge_jobsets": Scalar(values.boolean)}),
        ),
        "jobsets": Named("jobset", Scalar(_place), Record(_keys(fields.JOBSET))),
    },
    frozenset({"url", "projects"}),
)
