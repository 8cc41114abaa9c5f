# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the stand-in's database holds."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class User:
    """Who may sign in."""

    username: str
    password: str
    fullname: str
    emailaddress: str
    roles: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As /current-user says it."""
        return {
            "username": self.username,
            "fullname": self.fullname,
            "emailaddress": self.emailaddress,
            "userroles": list(self.roles),
        }


@dataclass
class Jobset:
    """A jobset, in the columns of Hydra's table."""

    name: str
    project: str
    columns: dict[str, Any]
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    errormsg: str = ""
    evaluations: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self, *, errors: bool = False) -> dict[str, Any]:
        """As /jobset says it: with an empty errormsg, except under /errors."""
        hidden = {"hidden": not self.columns["visible"]}
        shown = {key: value for key, value in self.columns.items() if key not in hidden}
        texts = {key: shown[key] or "" for key in ("flake", "nixexprinput", "nixexprpath", "fetcherrormsg")}
        message = self.errormsg if errors else ""
        return shown | texts | {"name": self.name, "project": self.project, "errormsg": message, "inputs": self.inputs}


@dataclass
class Project:
    """A project."""

    name: str
    columns: dict[str, Any]
    declarative: dict[str, str] = field(default_factory=dict)
    jobsets: dict[str, Jobset] = field(default_factory=dict)
    renames: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As /project says it."""
        found = self.columns | {"name": self.name, "jobsets": list(self.jobsets)}
        return found | ({"declarative": self.declarative} if self.declarative else {})


NEW_JOBSET: dict[str, Any] = {
    "description": "",
    "type": 0,
    "nixexprinput": "",
    "nixexprpath": "",
    "flake": None,
    "enabled": 1,
    "enableemail": True,
    "enable_dynamic_run_command": False,
    "emailoverride": "",
    "visible": True,
    "keepnr": 3,
    "checkinterval": 300,
    "schedulingshares": 100,
    "triggertime": None,
    "lastcheckedtime": None,
    "starttime": None,
    "errortime": None,
    "fetcherrormsg": None,
}


@dataclass
class Database:
    """Everything the stand-in knows. private, dynamic: of hydra.conf."""

    users: dict[str, User] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    builds: dict[int, dict[str, Any]] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    private: bool = False
    dynamic: bool = False
    clock: Callable[[], float] = time.time

    def now(self) -> int:
        """The time in seconds."""
        return int(self.clock())

    def session_of(self, username: str) -> str:
        """A new session of a user who signed in."""
        session = secrets.token_hex(20)
        self.sessions[session] = username
        return session

    def evaluation(self, number: str) -> dict[str, Any] | None:
        """An evaluation by its number."""
        every = (jobset for project in self.projects.values() for jobset in project.jobsets.values())
        found = (evaluation for jobset in every for evaluation in jobset.evaluations)
        return next((evaluation for evaluation in found if str(evaluation["id"]) == number), None)


def people() -> dict[str, User]:
    """The users of the recording; dave may push."""
    found = (
        User("alice", "foobar", "Alice", "alice@example.org", ("admin",)),
        User("bob", "foobar", "Bob", "bob@example.org", ("create-projects",)),
        User("carol", "foobar", "Carol", "carol@example.org"),
        User("dave", "foobar", "Dave", "dave@example.org", ("eval-jobset",)),
    )
    return {user.username: user for user in found}
