# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fields of projects and jobsets: their names here, their names in Hydra's API, their values, their defaults.

One table for the modules' options, the normal form, the requests, the diff and the event file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import values
from .inputs import read_declarative, read_inputs

FLAG, NUMBER, DURATION, TEXT, CHOICE, NESTED = "flag", "number", "duration", "text", "choice", "nested"


@dataclass(frozen=True)
class Field:
    """One field.

    name: as Hydra's page calls it; api: as its API does; kind: one of the kinds above; read: from what is written to
    the normal form; default: what a new project or jobset gets, and what ``exact`` resets to; choices: of a CHOICE, in
    the order of the API's numbers.
    """

    name: str
    api: str
    kind: str
    read: Callable[[object], Any]
    default: Any
    choices: tuple[str, ...] = ()


PROJECT = (
    Field("display_name", "displayname", TEXT, values.display_name, ""),
    Field("description", "description", TEXT, values.text, ""),
    Field("homepage", "homepage", TEXT, values.text, ""),
    Field("owner", "owner", TEXT, values.owner, ""),
    Field("enabled", "enabled", FLAG, values.boolean, True),
    Field("visible", "visible", FLAG, values.boolean, True),
    Field("dynamic_run_command", "enable_dynamic_run_command", FLAG, values.boolean, False),
    Field("declarative", "declarative", NESTED, read_declarative, {}),
)
JOBSET = (
    Field("state", "enabled", CHOICE, values.one_of(values.STATES), "enabled", values.STATES),
    Field("visible", "visible", FLAG, values.boolean, True),
    Field("description", "description", TEXT, values.text, ""),
    Field("type", "type", CHOICE, values.one_of(values.TYPES), "legacy", values.TYPES),
    Field("flake", "flake", TEXT, values.flake_uri, ""),
    Field("nix_expression", "nixexprpath", TEXT, values.relative_path, ""),
    Field("nix_expression_input", "nixexprinput", TEXT, values.expression_input, ""),
    Field("check_interval", "checkinterval", DURATION, values.duration, 0),
    Field("scheduling_shares", "schedulingshares", NUMBER, values.whole(1, "a number of shares"), 1),
    Field("evaluations_to_keep", "keepnr", NUMBER, values.whole(0, "a number of evaluations"), 0),
    Field("email_notification", "enableemail", FLAG, values.boolean, False),
    Field("email_override", "emailoverride", TEXT, values.email_override, ""),
    Field("dynamic_run_command", "enable_dynamic_run_command", FLAG, values.boolean, False),
    Field("inputs", "inputs", NESTED, read_inputs, {}),
)
PROJECT_DEFAULTS: dict[str, Any] = {field.name: field.default for field in PROJECT}
JOBSET_DEFAULTS: dict[str, Any] = {field.name: field.default for field in JOBSET}
