# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hydra's other controllers: signing in and out, pushing, overviews."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from .answers import SIGN_IN, Answer, RefusedError, Request, bad_request, denied, error, not_found, page
from .jobsets import JOBSET_NAME
from .perl import text
from .projects import PROJECT_NAME, find
from .state import Database, Jobset, Project, User

PRIVILEGES = (
    "Only the project members, administrators, and accounts with eval-jobset privileges can perform this operation."
)

UNDEFINED = (
    'Caught exception in Hydra::Controller::API->push "Can\'t call method "project" on an undefined value at'
    ' HYDRA/subprojects/hydra/lib/Hydra/Controller/API.pm line 259."'
)


def sign_in(database: Database, request: Request, session: str, body: dict[str, Any]) -> Answer:
    """POST /login, with JSON or a form."""
    given = body or dict(parse_qsl(request.body.decode()))
    if not given.get("username"):
        raise bad_request("You must specify a user name.")
    user = database.users.get(text(given["username"]))
    if user is None or user.password != given.get("password"):
        raise denied("Bad username or password.")
    database.sessions[session] = user.username
    return Answer(302, user.as_json(), headers={"Location": f"{request.base}current-user"})


def sign_out(database: Database, session: str) -> Answer:
    """POST /logout."""
    database.sessions.pop(session, None)
    return Answer(204, page="", kind="text/html; charset=utf-8")


def current_user(user: User | None) -> Answer:
    """GET /current-user."""
    if user is None:
        raise denied()
    return Answer(200, user.as_json())


def push(database: Database, request: Request, user: User | None) -> Answer:
    """POST /api/push. Whatever stands under force counts."""
    if request.method != "POST":
        raise RefusedError(405, "Request must be POSTed.")
    triggered: list[str] = []
    for place in filter(None, request.query.get("jobsets", "").split(",")):
        if re.fullmatch(rf"{PROJECT_NAME}:\.?{JOBSET_NAME}", place) is None:
            return page(500, "Hydra - Error")
        project, name = place.split(":")
        known = database.projects.get(project)
        if known is None or name not in known.jobsets:
            return Answer(200, {"jobsetsTriggered": triggered, "error": UNDEFINED})
        _may_push(user, known, triggered)
        jobset = known.jobsets[name]
        if "force" in request.query or (known.columns["enabled"] and jobset.columns["enabled"]):
            jobset.columns["triggertime"] = database.now()
            triggered.append(place)
    return Answer(200, {"jobsetsTriggered": triggered})


def _may_push(user: User | None, project: Project, triggered: list[str]) -> None:
    if user is None:
        raise RefusedError(403, SIGN_IN, jobsetsTriggered=triggered)
    if not {"admin", "eval-jobset"} & set(user.roles) and user.username != project.columns["owner"]:
        raise RefusedError(403, PRIVILEGES, jobsetsTriggered=triggered)


def overview(database: Database, request: Request) -> Answer:
    """GET /api/jobsets."""
    name = request.query.get("project")
    if name is None:
        raise error("Parameter 'project' not defined!")
    if name not in database.projects:
        raise not_found(f"Project {name} doesn't exist.")
    jobsets = find(database, name).jobsets.values()
    ordered = sorted(jobsets, key=lambda j: (not j.columns["visible"], -j.columns["enabled"], j.name))
    return Answer(200, [_summary(database, jobset) for jobset in ordered])


def _summary(database: Database, jobset: Jobset) -> dict[str, Any]:
    builds = [b for b in database.builds.values() if (b["project"], b["jobset"]) == (jobset.project, jobset.name)]
    done = [build for build in builds if build["finished"]]
    columns = ["errortime", "lastcheckedtime", "triggertime", "starttime", "fetcherrormsg", "checkinterval"]
    return {column: jobset.columns[column] for column in columns} | {
        "project": jobset.project,
        "name": jobset.name,
        "haserrormsg": False,  # always, a bug of Hydra's
        "nrscheduled": len(builds) - len(done),
        "nrsucceeded": sum(build["buildstatus"] == 0 for build in done),
        "nrfailed": sum(build["buildstatus"] != 0 for build in done),
        "nrtotal": len(builds),
    }


def evaluation(database: Database, number: str, rest: str) -> Answer:
    """GET /eval/NUMBER, or its builds."""
    found = database.evaluation(number)
    if found is None:
        raise not_found(f"Evaluation {number} doesn't exist.")
    return Answer(200, [database.builds[build] for build in found["builds"]] if rest == "builds" else found)


def build(database: Database, number: str) -> Answer:
    """GET /build/NUMBER."""
    if int(number) not in database.builds:
        raise not_found(f"Build with ID {number} doesn't exist.")
    return Answer(200, database.builds[int(number)])
