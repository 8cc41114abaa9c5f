# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules do when the network, a proxy, the session or somebody else gets in between."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nixvegas.noc.plugins.modules import hydra_project
from ansible_collections.nixvegas.noc.tests.hydra_stand_in import server
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.answers import Answer, page
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.server import (
    CUT_AFTER,
    CUT_BEFORE,
    PROXY_ERROR,
    PROXY_TIMEOUT,
    SLOW,
    Fault,
    StandIn,
)

from .conftest import FLAKE, PASSWORD, Run

PUT = "PUT /jobset/demo/fl"
pytestmark = pytest.mark.usefixtures("demo")


def first(fault: str, *methods: str, times: int = 1) -> Fault:
    """A fault that happens to the first requests of these methods, other than signing in."""
    left = [fault] * times

    def happens(method: str, target: str) -> str | None:
        return left.pop() if left and method in methods and target != "/login" else None

    return happens


def test_change_that_arrived_is_not_repeated(hydra: StandIn, run: Run) -> None:
    hydra.fault = first(CUT_AFTER, "PUT")
    assert run("jobset", **FLAKE)["changed"]
    assert hydra.writes == [PUT]
    assert not run("jobset", **FLAKE)["changed"]


def test_change_that_did_not_arrive_is_repeated_once(hydra: StandIn, run: Run) -> None:
    hydra.fault = first(CUT_BEFORE, "PUT")
    assert run("jobset", **FLAKE)["changed"]
    assert hydra.writes == [PUT, PUT]
    assert "GET /jobset/demo/fl" in hydra.requests[hydra.requests.index(PUT) + 1 : -2]


def test_line_that_stays_cut(hydra: StandIn, run: Run) -> None:
    hydra.fault = first(CUT_BEFORE, "PUT", times=9)
    failed = run("jobset", **FLAKE)["msg"]
    assert failed.startswith(f"jobset demo:fl: PUT {hydra.url}/jobset/demo/fl got no answer: ")
    assert hydra.writes == [PUT, PUT]


def test_removal_that_arrived(hydra: StandIn, run: Run) -> None:
    run("jobset", **FLAKE)
    hydra.fault = first(CUT_AFTER, "DELETE")
    assert run("jobset", project="demo", name="fl", state="absent")["changed"]
    assert hydra.writes[1:] == ["DELETE /jobset/demo/fl"]


@pytest.mark.parametrize("fault", [CUT_BEFORE, CUT_AFTER, PROXY_ERROR])
def test_reads_are_repeated(hydra: StandIn, run: Run, fault: str) -> None:
    hydra.fault = first(fault, "GET", times=2)
    assert run("jobset", **FLAKE)["changed"]


def test_slow_server(hydra: StandIn, run: Run) -> None:
    """The change was carried out, only its answer is late."""
    hydra.slow_seconds, hydra.fault = 1.5, first(SLOW, "PUT")
    assert run("jobset", **FLAKE, request_timeout="1s")["changed"]
    assert hydra.writes == [PUT]


def test_proxy_that_gave_up(hydra: StandIn, run: Run) -> None:
    hydra.fault = first(PROXY_TIMEOUT, "PUT")
    assert run("jobset", **FLAKE)["changed"]
    assert hydra.writes == [PUT]


def test_html_error_page(hydra: StandIn, run: Run) -> None:
    """Hydra did not see the request; a second one could meet the first, so the user is asked."""
    hydra.fault = first(PROXY_ERROR, "PUT", "GET", times=99)
    assert run("jobset", **FLAKE)["msg"] == (
        f'GET {hydra.url}/jobset/demo/fl was answered 502: an HTML page, "502 Bad Gateway", which is not Hydra\'s API.'
    )
    hydra.fault = first(PROXY_ERROR, "PUT", times=99)
    failed = run("jobset", **FLAKE)["msg"]
    assert 'got no answer: a proxy answered 502: an HTML page, "502 Bad Gateway", which is not Hydra' in failed
    assert failed.endswith("What was to change is still as it was; run again when Hydra answers.")
    assert hydra.writes == [PUT]


def test_page_that_is_no_hydra(hydra: StandIn, run: Run) -> None:
    assert run("info", url=f"{hydra.url}/elsewhere")["msg"] == (
        f"GET {hydra.url}/elsewhere/ was answered with Page not found. Check that the url is that of a Hydra."
    )
    failed = run("info", url="http://127.0.0.1:1")["msg"]
    assert failed == "GET http://127.0.0.1:1/ got no answer: [Errno 111] Connection refused."


def test_redirect_of_a_proxy_is_no_rename(hydra: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """From http to https, say: the jobset is not missing."""
    secure = hydra.url.replace("http:", "https:")
    moved = page(301, "Moved", Location=f"{secure}/jobset/demo/fl")
    monkeypatch.setattr(server, "answer", lambda *_: moved)
    assert run("jobset", **FLAKE)["msg"] == (
        f"GET {hydra.url}/jobset/demo/fl was answered with a redirect to {secure}/jobset/demo/fl."
        " Check that the url is that of a Hydra."
    )


def test_session_that_expires_in_the_middle(hydra: StandIn, run: Run) -> None:
    def expire(method: str, target: str) -> None:
        if target == "/jobset/demo/j1" and method == "PUT" and hydra.requests.count("POST /login") == 1:
            hydra.database.sessions.clear()

    hydra.fault = expire
    jobsets = [{"name": f"j{number}", "flake": "a:b"} for number in range(3)]
    assert len(run("project", name="demo", jobsets=jobsets)["changes"]) == 3
    assert hydra.requests.count("POST /login") == 2
    assert hydra.writes == [f"PUT /jobset/demo/j{number}" for number in (0, 1, 1, 2)]


@pytest.mark.parametrize("fault", [CUT_BEFORE, CUT_AFTER, PROXY_ERROR, PROXY_TIMEOUT])
def test_signing_in_is_repeated(hydra: StandIn, run: Run, fault: str) -> None:
    left = [fault]
    hydra.fault = lambda _method, target: left.pop() if left and target == "/login" else None
    assert run("jobset", **FLAKE)["changed"]
    assert hydra.requests.count("POST /login") == 2
    assert hydra.writes == [PUT]


def test_answers_are_not_asked_for_again(hydra: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hydra says 500 to most mistakes: its words are what there is to know, whatever the status."""
    for status in (400, 500):
        refused = Answer(status, {"error": "The moon is not full."})
        monkeypatch.setattr(server, "answer", lambda *_, refused=refused: refused)
        hydra.requests.clear()
        failed = run("jobset", **FLAKE)["msg"]
        assert failed == f"GET {hydra.url}/jobset/demo/fl was answered {status}: The moon is not full."
        assert hydra.requests == ["GET /jobset/demo/fl"]


def test_refused_change_is_not_repeated(hydra: StandIn, run: Run) -> None:
    wanted = FLAKE | {"dynamic_run_command": True}
    assert "Dynamic RunCommand is not enabled by the server or the parent project" in run("jobset", **wanted)["msg"]
    assert hydra.writes == [PUT]


def test_what_somebody_else_changes_meanwhile_is_kept(hydra: StandIn, run: Run) -> None:
    """The other run changes another field after we planned: nothing of it is lost."""
    run("jobset", **FLAKE)
    columns = hydra.database.projects["demo"].jobsets["fl"].columns
    hydra.requests.clear()

    def other_run(method: str, target: str) -> None:
        if target == "/login":
            columns["keepnr"] = 7

    hydra.fault = other_run
    assert run("jobset", **FLAKE, description="ours")["changes"][0]["fields"] == ["description"]
    assert (columns["keepnr"], columns["description"]) == (7, "ours")


def test_what_somebody_else_did_already_is_not_done_again(hydra: StandIn, run: Run) -> None:
    run("jobset", **FLAKE)
    columns = hydra.database.projects["demo"].jobsets["fl"].columns
    hydra.requests.clear()

    def other_run(method: str, target: str) -> None:
        if target == "/login":
            columns["description"] = "the same"

    hydra.fault = other_run
    assert not run("jobset", **FLAKE, description="the same")["changed"]
    assert hydra.writes == []


def module(file: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Run a module as Ansible does, in a process of its own."""
    code = "import json, runpy, sys; from ansible.module_utils.testing import patch_module_args\n"
    code += "with patch_module_args(json.loads(sys.argv[2])): runpy.run_path(sys.argv[1], run_name='__main__')"
    command = [sys.executable, "-c", code, file, json.dumps(arguments)]
    environment = os.environ | {"PYTHONPATH": str(Path(file).parents[5])}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    result: dict[str, Any] = json.loads(done.stdout or json.dumps({"msg": done.stderr}))
    return result


def test_two_runs_at_once(hydra: StandIn) -> None:
    """Both succeed, and leave nothing to do."""
    login = {"url": hydra.url, "username": "alice", "password": PASSWORD}
    jobsets = [{"name": f"j{number}", "flake": f"github:example/{number}"} for number in range(15)]
    arguments = login | {"name": "demo", "jobsets": jobsets}
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda _: module(str(hydra_project.__file__), arguments), range(2)))
    assert [result.get("msg") for result in results] == [None, None]
    assert len(hydra.database.projects["demo"].jobsets) == 15
    assert not module(str(hydra_project.__file__), arguments)["changed"]
