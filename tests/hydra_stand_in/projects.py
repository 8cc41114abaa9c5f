# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hydra::Controller::Project."""

from __future__ import annotations

import re
from typing import Any

from .answers import Answer, Request, bad_request, denied, died, error, not_found
from .perl import text, trim
from .state import NEW_JOBSET, Database, Jobset, Project, User

PROJECT_NAME = r"[A-Za-z_][A-Za-z0-9_-]*"
HYDRA = "HYDRA/subprojects/hydra/lib/Hydra/Controller"


def find(database: Database, name: str) -> Project:
    """The project of this name."""
    if name not in database.projects:
        raise not_found(f"Project ‘{name}’ doesn't exist.")
    return database.projects[name]


def require_owner(user: User | None, project: Project) -> User:
    """An administrator or the owner."""
    if user is None:
        raise denied()
    if "admin" not in user.roles and user.username != project.columns["owner"]:
        raise denied("Only the project members or administrators can perform this operation.")
    return user


def put(database: Database, request: Request, user: User | None, name: str, body: dict[str, Any]) -> Answer:
    """Create or replace."""
    known = database.projects.get(name)
    if known:
        user = require_owner(user, known)
    elif user is None:
        raise denied()
    elif not {"admin", "create-projects"} & set(user.roles):
        raise denied("Only administrators or authorised users can perform this operation.")
    project = known or Project(".tmp", {"owner": user.username})
    changed = _columns(database, user, project, text(body.get("name") or name), body)
    database.projects.pop(project.name, None)
    project.name, project.columns, project.declarative = changed
    database.projects[project.name] = project
    for jobset in project.jobsets.values():
        jobset.project = project.name
    _declared(database, project)
    uri = f"{request.base}project/{project.name}"
    if known:
        return Answer(200, {"redirect": f"{uri}#tabs-configuration"})
    created = {"name": project.name, "uri": uri, "redirect": uri, "type": "project"}
    return Answer(201, created, headers={"Location": uri})


def _columns(
    database: Database, user: User, project: Project, name: str, body: dict[str, Any]
) -> tuple[str, dict[str, Any], dict[str, str]]:
    owner = project.columns["owner"]
    if "admin" in user.roles and body.get("owner") is not None:
        owner = trim(body["owner"])
        if owner not in database.users:
            raise bad_request(f"The user name ‘{owner}’ does not exist.")
    if re.fullmatch(PROJECT_NAME, name) is None:
        raise error(f"Invalid project identifier ‘{name}’.")
    if name != project.name and name in database.projects:
        raise error(f"Cannot rename project to ‘{name}’ since that identifier is already taken.")
    if not trim(body.get("displayname")):
        raise error("You must specify a display name.")
    dynamic = body.get("enable_dynamic_run_command") is not None
    if dynamic and not database.dynamic:
        raise bad_request("Dynamic RunCommand is not enabled by the server.")
    declarative = body.get("declarative") or {}
    if not isinstance(declarative, dict):
        raise died(
            f'Can\'t use string ("{declarative}") as a HASH ref while "strict refs" in use at {HYDRA}/Project.pm line'
            f" 169, <$fh> line 1. at {HYDRA}/Project.pm line 46"
        )
    columns = {
        "displayname": trim(body.get("displayname")),
        "description": trim(body.get("description")),
        "homepage": trim(body.get("homepage")),
        "owner": owner,
        "enabled": body.get("enabled") is not None,
        "hidden": body.get("visible") is None,
        "enable_dynamic_run_command": dynamic,
    }
    parts = {key: trim(declarative.get(key)) for key in ("file", "type", "value")}
    return name, columns, parts if parts["file"] else {}


def _declared(database: Database, project: Project) -> None:
    """The jobset that makes the jobsets of a declarative project."""
    if not project.declarative:
        project.jobsets.pop(".jobsets", None)
        return
    declared = project.jobsets.setdefault(".jobsets", Jobset(".jobsets", project.name, dict(NEW_JOBSET)))
    declared.columns["triggertime"] = database.now()


def delete(database: Database, request: Request, user: User | None, name: str) -> Answer:
    """Remove with everything in it."""
    require_owner(user, find(database, name))
    del database.projects[name]
    return Answer(200, {"redirect": request.base}, headers={"Location": request.base})
