# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hydra::Controller::Jobset."""

from __future__ import annotations

import re
from typing import Any

from .answers import Answer, RefusedError, Request, bad_request, denied, died, error, not_found, page
from .perl import integer, text, trim
from .projects import HYDRA, PROJECT_NAME, find, require_owner
from .state import NEW_JOBSET, Database, Jobset, Project, User

JOBSET_NAME = r"[A-Za-z_][A-Za-z0-9_.-]*"
ATTRIBUTE = r"[A-Za-z_][A-Za-z0-9_-]*"
INPUT_NAME = r"[^\W\d_][\w-]*"
PART = r"[A-Za-z0-9+._$-][A-Za-z0-9+._$:-]*"
EVALUATION = rf"\d+|{PROJECT_NAME}:{JOBSET_NAME}(:{ATTRIBUTE}(\.{ATTRIBUTE})*)?"
INPUT_TYPES = [
    "eval",
    "github_refs",
    "path",
    "bitbucketpulls",
    "nix",
    "build",
    "bzr",
    "bzr-checkout",
    "svn",
    "sysbuild",
    "gitlabpulls",
    "boolean",
    "string",
    "svn-checkout",
    "githubpulls",
    "darcs",
    "hg",
    "git",
]
LARGEST = 2**31 - 1
DECLARATIVE = "can't modify jobset of declarative project"


def chain(database: Database, request: Request, project: str, name: str, rest: str = "") -> Jobset:
    """The jobset of this name; a redirect for one that was renamed."""
    found = find(database, project)
    if name in found.jobsets:
        return found.jobsets[name]
    if name not in found.renames:
        raise not_found(f"Jobset ‘{name}’ doesn't exist.")
    location = f"{request.base}jobset/{project}/{found.renames[name]}{rest}"
    moved = RefusedError(301, "")
    moved.answer = page(301, "Moved", Location=location)
    raise moved


def put(
    database: Database, request: Request, user: User | None, place: tuple[str, str], body: dict[str, Any]
) -> Answer:
    """Create or replace."""
    project, name = find(database, place[0]), place[1]
    require_owner(user, project)
    if project.declarative:
        raise denied(DECLARATIVE)
    known = project.jobsets.get(name)
    jobset = known or Jobset(".tmp", project.name, dict(NEW_JOBSET))
    new_name = text(body.get("name") or name)
    columns = _columns(database, project, jobset, new_name, body)
    inputs = _inputs(body.get("inputs")) if columns["type"] == 0 else {}
    if known and new_name != name:
        project.renames[name] = new_name
    project.renames.pop(new_name, None)
    project.jobsets.pop(name, None)
    jobset.name, jobset.inputs = new_name, inputs
    jobset.columns |= columns
    project.jobsets[new_name] = jobset
    project.jobsets = dict(sorted(project.jobsets.items()))
    uri = f"{request.base}jobset/{project.name}/{new_name}"
    if known:
        return Answer(200, {"redirect": f"{uri}#tabs-configuration"})
    created = {"name": new_name, "uri": uri, "redirect": uri, "type": "jobset"}
    return Answer(201, created, headers={"Location": uri})


def _columns(database: Database, project: Project, jobset: Jobset, name: str, body: dict[str, Any]) -> dict[str, Any]:
    if re.fullmatch(JOBSET_NAME, name) is None:
        raise error(f"Invalid jobset identifier ‘{name}’.")
    if name != jobset.name and name in project.jobsets:
        raise error(f"Cannot rename jobset to ‘{name}’ since that identifier is already taken.")
    kind = integer(body.get("type"))
    expression, source, flake = _source(kind, body)
    enabled = integer(body.get("enabled"))
    if not 0 <= enabled <= 3:
        raise died(f"Died at {HYDRA}/Jobset.pm line 257, <$fh> line 1. at {HYDRA}/Jobset.pm line 67")
    shares = integer(body["schedulingshares"]) if body.get("schedulingshares") is not None else 1
    if shares <= 0:
        raise error("The number of scheduling shares must be positive.")
    interval = integer(trim(body.get("checkinterval")))
    dynamic = body.get("enable_dynamic_run_command") is not None
    if dynamic and not (database.dynamic and project.columns["enable_dynamic_run_command"]):
        raise bad_request("Dynamic RunCommand is not enabled by the server or the parent project.")
    if interval > LARGEST:
        raise error(f'DBIx::Class::Storage::DBI::_dbh_execute(): value "{interval}" is out of range for type integer')
    mail = trim(body.get("emailoverride"))
    return {
        "description": trim(body.get("description")),
        "type": kind,
        "nixexprpath": expression,
        "nixexprinput": source,
        "flake": flake,
        "enabled": enabled,
        "enableemail": body.get("enableemail") is not None,
        "enable_dynamic_run_command": dynamic,
        "emailoverride": "" if mail == "0" else mail,
        "visible": body.get("visible") is not None,
        "keepnr": integer(trim(body.get("keepnr"))),
        "checkinterval": interval,
        "schedulingshares": shares,
        # This is what makes a request without a difference cancel a push, or cause an evaluation.
        "triggertime": (jobset.columns["triggertime"] or database.now()) if enabled and interval > 0 else None,
    }


def _source(kind: int, body: dict[str, Any]) -> tuple[str | None, str | None, str | None]:
    if kind == 0:
        path, source = trim(body.get("nixexprpath")), trim(body.get("nixexprinput"))
        if re.fullmatch(f"{PART}(/{PART})*", path) is None:
            raise error(f"Invalid Nix expression path ‘{path}’.")
        if re.fullmatch(INPUT_NAME, source) is None:
            raise error(f"Invalid Nix expression input name ‘{source}’.")
        return path, source, None
    if kind != 1:
        raise error("Invalid jobset type.")
    flake = trim(body.get("flake"))
    if re.match("[a-zA-Z]", flake) is None:
        raise error(f"Invalid flake URI ‘{flake}’.")
    return None, None, flake


def _inputs(given: Any) -> dict[str, dict[str, Any]]:
    if given is not None and not isinstance(given, dict):
        raise died(f"Not a HASH reference at {HYDRA}/Jobset.pm line 298, <$fh> line 1. at {HYDRA}/Jobset.pm line 67")
    found = {}
    for name, item in (given or {}).items():
        if not isinstance(item, dict):
            raise died(
                f'Can\'t use string ("{item}") as a HASH ref while "strict refs" in use at {HYDRA}/Jobset.pm line 300,'
                f" <$fh> line 1. at {HYDRA}/Jobset.pm line 67"
            )
        kind = text(item.get("type"))
        if re.fullmatch(INPUT_NAME, name) is None:
            raise bad_request(f"Invalid input name ‘{name}’.")
        if kind not in INPUT_TYPES:
            known = ", ".join(f"‘{known}’" for known in INPUT_TYPES[:-1])
            raise bad_request(f"Invalid input type ‘{kind}’; valid types: {known}, and ‘{INPUT_TYPES[-1]}’.")
        found[name] = {
            "name": name,
            "type": kind,
            "value": _value(name, kind, item.get("value")),
            "emailresponsible": item.get("emailresponsible") is not None,
        }
    return found


def _value(name: str, kind: str, given: Any) -> str:
    value = text(given) if kind == "string" else trim(given)
    if isinstance(given, dict):
        raise error("a reference in the database driver")
    if kind == "boolean" and value not in ("true", "false"):
        raise error(f"The value ‘{value}’ of input ‘{name}’ is not a Boolean (‘true’ or ‘false’).")
    if kind == "eval" and re.fullmatch(EVALUATION, value) is None:
        raise error(
            f"The value ‘{value}’ of input ‘{name}’ does not specify a Hydra evaluation.  It should be either the"
            " number of a specific evaluation, the name of a jobset (given as <project>:<jobset>), or the name of a job"
            " (<project>:<jobset>:<job>)."
        )
    return value


def delete(database: Database, request: Request, user: User | None, place: tuple[str, str]) -> Answer:
    """Remove with its builds."""
    jobset = chain(database, request, *place)
    if user is None:
        raise denied()
    if "admin" not in user.roles:
        raise denied("Only administrators can perform this operation.")
    project = find(database, place[0])
    if project.declarative:
        raise denied(DECLARATIVE)
    del project.jobsets[jobset.name]
    return Answer(200, {"redirect": f"{request.base}project/{project.name}"})


def evaluations(jobset: Jobset, request: Request) -> Answer:
    """One page of them, the latest first; those without new builds are left out."""
    found = sorted((e for e in jobset.evaluations if e["hasnewbuilds"]), key=lambda e: -int(e["id"]))
    number, pages = integer(request.query.get("page")) or 1, -(-len(found) // 20)
    entity = {"evals": found[20 * (number - 1) : 20 * number], "first": "?page=1", "last": f"?page={pages}"}
    entity |= {"previous": f"?page={number - 1}"} if number > 1 else {}
    return Answer(200, entity | ({"next": f"?page={number + 1}"} if number < pages else {}))
