# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recorded requests played to the stand-in, with what the recording only tells of between them."""

from __future__ import annotations

import json
from typing import Any

from .answers import Answer, Request
from .application import answer
from .recording import Exchange, exchanges
from .state import NEW_JOBSET, Database, Jobset, Project, people

HOST = "127.0.0.1:63333"
PROJECT = {"displayname": "Demo", "owner": "alice", "enabled": True, "visible": True}
FLAKE: dict[str, Any] = {
    "description": "flake",
    "type": 1,
    "flake": "github:NixOS/hydra/master",
    "enabled": 1,
    "visible": True,
    "checkinterval": 0,
    "schedulingshares": 1,
    "keepnr": 3,
}
LEGACY: dict[str, Any] = {
    "description": "legacy",
    "type": 0,
    "nixexprinput": "src",
    "nixexprpath": "release.nix",
    "enabled": 1,
    "visible": True,
    "inputs": {"src": {"type": "git", "value": "https://git.example.org/a.git main"}},
}
LEGACY_KEYS = {"nixexprinput", "nixexprpath", "inputs"}


def sent(method: str, target: str, body: Any, headers: dict[str, str]) -> Request:
    """A request as a program sends it, `body` as JSON unless None."""
    kind = {"content-type": "application/json"} if body is not None else {}
    data = json.dumps(body).encode() if body is not None else b""
    return Request(method, target, {"host": HOST, "accept": "application/json", **kind, **headers}, data)


class Replay:
    """One server, from its first exchange on."""

    def __init__(self) -> None:
        self.database = Database(people())
        self._sessions: dict[str, str] = {}
        self._part = ""

    @classmethod
    def at(cls, name: str) -> Replay:
        """A server before the exchange of this name."""
        replay = cls()
        for exchange in exchanges():
            if exchange.name == name:
                break
            replay.play(exchange)
        return replay

    def play(self, exchange: Exchange) -> Answer:
        """The stand-in's answer to a recorded request, from who sent it."""
        if exchange.name[0] != self._part:
            self._part = exchange.name[0]
            self._sessions.clear()
        self._between(exchange.name)
        headers = {"host": HOST.replace("63333", "63334") if self._part == "J" else HOST}
        headers |= exchange.request_headers
        if "cookie" in headers and exchange.who in self.database.users:
            headers["cookie"] = f"hydra_session={self._session(exchange.who)}"
        return answer(self.database, Request(exchange.method, exchange.target, headers, exchange.request_body.encode()))

    def ask(self, method: str, target: str, body: Any) -> Answer:
        """What alice gets."""
        headers = {"cookie": f"hydra_session={self._session('alice')}", "origin": f"http://{HOST}"}
        return answer(self.database, sent(method, target, body, headers))

    def get(self, target: str) -> Any:
        """The data alice reads."""
        return self.ask("GET", target, None).data

    def probe(self, fields: dict[str, Any]) -> Answer:
        """Put a jobset with some fields changed: the legacy one if they are its own, or else the flake."""
        name, base = ("leg", LEGACY) if LEGACY_KEYS & set(fields) else ("fl", FLAKE)
        return self.ask("PUT", f"/jobset/demo/{name}", base | fields)

    def _session(self, user: str) -> str:
        if user not in self._sessions:
            self._sessions[user] = self.database.session_of(user)
        return self._sessions[user]

    def _between(self, name: str) -> None:
        match name:
            case "C1":
                self.ask("PUT", "/project/demo", PROJECT)
                self.database.projects["bobs"] = Project("bobs", PROJECT_COLUMNS | {"owner": "bob"})
            case "C22":
                self.probe({"keepnr": "x"})
            case "E57":
                self.probe({"enabled": 0})
            case "I2":
                self._seed_builds()
            case "J1":
                self.database = Database(people(), private=True, dynamic=True)
            case "K1":
                self.database = _evaluated()
            case "L1":
                jobset = self.database.projects["ev"].jobsets["main"]
                jobset.inputs = _inputs(src=("path", "/nonexistent"))
                jobset.columns |= {"lastcheckedtime": 1795369585, "triggertime": None, "fetcherrormsg": NOT_FETCHED}
            case "L2":
                self._fail()

    def _seed_builds(self) -> None:
        project = self.database.projects["demo"]
        for jobset in ("_x", "a-b", "a.b"):
            self.ask("PUT", f"/jobset/demo/{jobset}", FLAKE)
        self.probe({})
        # Part H's probe of strings for numbers; I15 shows its trigger.
        strings = {"type": "1", "flake": "github:a/b", "keepnr": "7", "checkinterval": "60", "schedulingshares": "5"}
        self.ask("PUT", "/jobset/demo/leg", FLAKE | strings)
        for exchange in exchanges():
            if exchange.name in ("I5", "I6"):
                build = json.loads(exchange.body)
                self.database.builds[build["id"]] = build
            if exchange.name == "I3":
                project.jobsets["fl"].evaluations = [json.loads(exchange.body)]

    def _fail(self) -> None:
        jobset = self.database.projects["ev"].jobsets["main"]
        recorded = next(exchange for exchange in exchanges() if exchange.name == "L3")
        jobset.errormsg = json.loads(recorded.body)["errormsg"]
        jobset.inputs = _inputs(src=("path", "/srv/jobs"))
        times = {"lastcheckedtime": 1795369587, "errortime": 1795369587}
        jobset.columns |= {"nixexprpath": "missing.nix", "fetcherrormsg": None, **times}
        # The overview of L4 counts no builds: the evaluation failed, so none is current.
        self.database.builds.clear()


PROJECT_COLUMNS = {
    "displayname": "Demo",
    "description": "",
    "homepage": "",
    "owner": "alice",
    "enabled": True,
    "hidden": False,
    "enable_dynamic_run_command": False,
}
NOT_FETCHED = (
    "cannot add path /nonexistent to the Nix store: error: getting status of '/nonexistent': No such file or"
    " directory\n\n"
)


def _inputs(**inputs: tuple[str, str]) -> dict[str, dict[str, Any]]:
    return {
        name: {"name": name, "type": kind, "value": value, "emailresponsible": False}
        for name, (kind, value) in inputs.items()
    }


def _evaluated() -> Database:
    """The server of part K, whose evaluation made three builds; only one of them was recorded."""
    recorded = {exchange.name: json.loads(exchange.body) for exchange in exchanges() if exchange.name[0] == "K"}
    given = recorded["K1"]
    columns = {name: given[name] for name in NEW_JOBSET} | {"flake": None, "fetcherrormsg": None}
    jobset = Jobset("main", "ev", columns, given["inputs"], evaluations=[recorded["K3"]])
    project = Project("ev", PROJECT_COLUMNS, jobsets={"main": jobset})
    builds = {number: recorded["K4"] | {"id": number} for number in (3, 4, 5)}
    return Database(people(), {"ev": project}, builds)
