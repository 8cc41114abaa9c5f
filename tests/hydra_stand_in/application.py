# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a request to an answer, as Hydra's root controller does it."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import unquote

from . import api, jobsets, projects
from .answers import Answer, RefusedError, Request, denied, error, not_found, page
from .state import Database, User


def answer(database: Database, request: Request) -> Answer:
    """What Hydra answers, with the cookie it gives on every answer."""
    cookie = SimpleCookie(request.headers.get("cookie", "")).get("hydra_session")
    session = cookie.value if cookie else secrets.token_hex(20)
    try:
        found = _dispatch(database, request, session)
    except RefusedError as refused:
        found = refused.answer
    if found.status == 200 and found.page is None and request.method == "GET" and not request.wants_json:
        found = page(200, "Hydra")
    found.headers["Set-Cookie"] = f"hydra_session={session}; path=/; HttpOnly; SameSite=Lax"
    return found


def _dispatch(database: Database, request: Request, session: str) -> Answer:
    user = database.users.get(database.sessions.get(session, ""))
    parts = [unquote(part) for part in request.path.split("/")[1:]]
    if database.private and user is None and parts != ["login"]:
        raise denied()
    if request.method == "POST":
        origin = request.headers.get("referer", request.headers.get("origin"))
        if origin is None or not f"{origin}/".startswith(request.base):
            raise error(f"POST requests should come from ‘{request.base}’.")
    body: dict[str, Any] = {}
    if request.body and "form" not in request.headers.get("content-type", ""):
        try:
            body = json.loads(request.body)
        except ValueError as wrong:
            kind, where = (
                "Content-Type application/json had a problem with your request.",
                "Deserialize/JSON.pm line 35",
            )
            words = f"{kind}\n***ERROR***\nmalformed JSON string, {wrong} at {where}.\n"
            return Answer(400, page=words, kind="text/plain; charset=UTF-8")
    return _route(Visit(database, request, session, user, body), parts)


@dataclass(frozen=True)
class Visit:
    """A request that got past the root controller: who asks, with which session and data."""

    database: Database
    request: Request
    session: str
    user: User | None
    body: dict[str, Any]


def _route(visit: Visit, parts: list[str]) -> Answer:  # noqa: PLR0911
    database, request, user = visit.database, visit.request, visit.user
    match parts:
        case [""]:
            return Answer(200, [project.as_json() for project in database.projects.values()])
        case ["login"]:
            return api.sign_in(database, request, visit.session, visit.body)
        case ["logout"]:
            return api.sign_out(database, visit.session)
        case ["current-user"]:
            return api.current_user(user)
        case ["api", "push"]:
            return api.push(database, request, user)
        case ["api", "jobsets"]:
            return api.overview(database, request)
        case ["project", name]:
            return _project(visit, name)
        case ["jobset", project, name, *rest]:
            return _jobset(visit, (project, name), rest)
        case ["eval", number] | ["eval", number, "builds"]:
            return api.evaluation(database, number, parts[-1])
        case ["build", number]:
            return api.build(database, number)
    raise not_found("Page not found.")


def _project(visit: Visit, name: str) -> Answer:
    if visit.request.method == "PUT":
        return projects.put(visit.database, visit.request, visit.user, name, visit.body)
    if visit.request.method == "DELETE":
        return projects.delete(visit.database, visit.request, visit.user, name)
    return Answer(200, projects.find(visit.database, name).as_json())


def _jobset(visit: Visit, place: tuple[str, str], rest: list[str]) -> Answer:
    if visit.request.method == "PUT" and not rest:
        return jobsets.put(visit.database, visit.request, visit.user, place, visit.body)
    if visit.request.method == "DELETE" and not rest:
        return jobsets.delete(visit.database, visit.request, visit.user, place)
    jobset = jobsets.chain(visit.database, visit.request, *place, "".join(f"/{part}" for part in rest))
    match rest:
        case []:
            return Answer(200, jobset.as_json())
        case ["errors"]:
            return Answer(200, jobset.as_json(errors=True))
        case ["evals"]:
            return jobsets.evaluations(jobset, visit.request)
        case ["latest-eval"]:
            return _latest(visit.database, visit.request, [e for e in jobset.evaluations if e["hasnewbuilds"]])
    raise not_found("Page not found.")


def _latest(database: Database, request: Request, evaluations: list[dict[str, Any]]) -> Answer:
    """The latest evaluation all of whose builds are finished."""
    for evaluation in reversed(evaluations):
        if all(database.builds[build]["finished"] for build in evaluation["builds"]):
            return page(302, "Moved", Location=f"{request.base}eval/{evaluation['id']}")
    raise not_found("No evaluation found.")
