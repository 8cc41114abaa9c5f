# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules make of a server that means ill, or is no Hydra."""

from __future__ import annotations

import html
import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra import client
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.evaluation import errors_of
from ansible_collections.nixvegas.noc.tests.hydra_stand_in import server
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.answers import Answer
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.server import DRIP, DRIPPING_HEAD, StandIn

from .conftest import FLAKE, Run

SECRET = 'hün"ter&2 ge/heim\nzwei'
FORMS = [
    SECRET,
    json.dumps(SECRET)[1:-1],
    json.dumps(SECRET, ensure_ascii=False)[1:-1],
    quote(SECRET),
    quote(SECRET, safe=""),
    quote_plus(SECRET),
    html.escape(SECRET),
    html.escape(json.dumps(SECRET)[1:-1]),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("before", ["", "x" * 590 + " ", "x" * 2034 + " "])
def test_secrets_in_whatever_form(run: Run, monkeypatch: pytest.MonkeyPatch, form: str, before: str) -> None:
    """The server repeats password and user name escaped, at a place where its words are cut too."""
    monkeypatch.setattr(server, "answer", lambda *_: Answer(500, {"error": f"{before}{form} is wrong"}))
    failed = run("jobset", **FLAKE, password=SECRET)["msg"]
    assert "x" in failed if before else "*** is wrong" in failed
    assert not any(part in failed for part in ("ter&2", "ter%26", "ter&amp;2", "u00fcn", "hün"))
    failed = run("jobset", **FLAKE, user=SECRET)["msg"]
    assert not any(part in failed for part in ("ter&2", "ter%26", "ter&amp;2", "u00fcn", "hün"))


def test_words_to_who_signs_in(hydra: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that the server makes of what it was sent is shown, not even backwards."""
    true_answer = server.answer

    def answer(*given: object) -> Answer:
        if hydra.requests[-1] == "POST /login":
            return Answer(403, {"error": f"Bad username or password: {SECRET[::-1]}"})
        return true_answer(*given)

    monkeypatch.setattr(server, "answer", answer)
    failed = run("project", name="demo", password=SECRET)["msg"]
    assert failed.startswith(f"POST {hydra.url}/login was answered 403: Bad username or password. Check username")
    assert SECRET[::-1] not in failed


def test_control_characters(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "answer", lambda *_: Answer(500, {"error": "a\x1b[2Jb\x07c\rd\u202ee"}))
    assert run("jobset", **FLAKE)["msg"].endswith("was answered 500: abcde.")
    found = errors_of({"errormsg": "in job \u2018a\x1b[1m\u2019:\nred\x1b[31m"})
    assert found == [{"job": "a", "message": "red"}]


def test_answers_nested_too_deep(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "answer", lambda *_: Answer(200, page="[" * 200000))
    assert run("jobset", **FLAKE)["msg"].endswith("Check that the url is that of a Hydra.")


@pytest.mark.parametrize("field", ["check_interval", "request_timeout"])
def test_numbers_of_many_digits(run: Run, field: str) -> None:
    assert f"{field}: " in run("jobset", **FLAKE, **{field: "9" * 5000})["msg"]


@pytest.mark.parametrize("password", ['pw"q', "pw\\q", "a\nb"])
def test_passwords_that_would_garble_what_is_read(run: Run, password: str) -> None:
    run("project", name="demo", description=f"say {password} now")
    assert run("info", password=password)["msg"].startswith("the password is also a part of what was read")


@pytest.mark.parametrize("fault", [DRIP, DRIPPING_HEAD])
def test_answers_that_never_end(hydra: StandIn, run: Run, fault: str) -> None:
    """A limit is one of the whole answer, though a byte comes now and then."""
    hydra.fault = lambda method, _target: fault if method == "GET" else None
    lost = run("jobset", **FLAKE, request_timeout="1s")["msg"]
    assert lost.endswith("got no answer: nothing came within 1 seconds."), lost
    late = run("evaluation", project="demo", jobset="fl", timeout="1s")
    assert late["reason"] == "timeout"
    assert late["msg"].startswith("jobset demo:fl: the time that was given is over: GET ")


def test_push_that_is_never_answered(hydra: StandIn, run: Run) -> None:
    run("project", name="demo", jobsets=[{"name": "fl", "flake": "github:NixOS/hydra/master"}])
    hydra.fault = lambda _method, target: DRIP if target.startswith("/api/push") else None
    late = run("evaluation", project="demo", jobset="fl", timeout="1s")
    assert late["reason"] == "timeout"
    assert "POST" in late["msg"]


def test_answers_without_bounds(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LARGEST_ANSWER", 2**20)
    monkeypatch.setattr(server, "answer", lambda *_: Answer(200, {"description": "x" * 2**20}))
    assert run("jobset", **FLAKE)["msg"].endswith("its answer is larger than 1 MiB")


PROJECT: dict[str, Any] = {"name": "demo", "jobsets": []}
MISSHAPEN = [
    ("project", [], "its answer is a list instead of an object"),
    ("project", "demo", "its answer is a text instead of an object"),
    ("project", {}, "its answer.jobsets is null instead of a list"),
    ("project", PROJECT | {"jobsets": [{"name": "fl"}]}, "its answer.jobsets[0] is an object instead of a text"),
    ("project", PROJECT | {"enabled": 1.5}, "its answer.enabled is a fraction instead of a flag or an integer or null"),
    ("project", PROJECT | {"declarative": ["file"]}, "its answer.declarative is a list instead of an object or null"),
    ("jobset", {"enabled": 9}, "its answer.enabled is an integer instead of 0 or 1 or 2 or 3 or null"),
    ("jobset", {"inputs": {"src": "git"}}, "its answer.inputs.src is a text instead of an object"),
    ("jobset", {"checkinterval": 1e999}, "was answered with"),
    ("jobset", {"checkinterval": float("nan")}, "was answered with"),
]


@pytest.mark.parametrize(("what", "data", "expected"), MISSHAPEN)
def test_answers_of_another_shape(
    run: Run, monkeypatch: pytest.MonkeyPatch, what: str, data: object, expected: str
) -> None:
    monkeypatch.setattr(server, "answer", lambda *_: Answer(200, data))
    failed = run("project", name="demo")["msg"] if what == "project" else run("jobset", **FLAKE)["msg"]
    assert expected in failed
    assert "Check that the url is that of a Hydra" in failed


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/jobset/demo/fl/evals", {}),
        ("/jobset/demo/fl/evals", {"evals": [{"id": "1"}]}),
        ("/jobset/demo/fl/errors", []),
        ("/jobset/demo/fl/errors", {"errormsg": ["a"]}),
        ("/api/push?jobsets=demo:fl", []),
        ("/api/push?jobsets=demo:fl", {"jobsetsTriggered": "demo:fl"}),
        ("/login", {"username": ["alice"]}),
    ],
)
def test_evaluations_of_another_shape(
    hydra: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch, path: str, data: object
) -> None:
    """Whatever request of the conversation it is."""
    run("project", name="demo", jobsets=[{"name": "fl", "flake": "github:NixOS/hydra/master"}])
    true_answer = server.answer

    def answer(*given: Any) -> Answer:
        if given[1].target == path:
            return Answer(200, data)
        if path.endswith("/errors") and given[1].path == "/jobset/demo/fl" and hydra.writes[-1].endswith("demo:fl"):
            jobset = hydra.database.projects["demo"].jobsets["fl"]
            jobset.columns |= {"triggertime": None, "lastcheckedtime": 2**31 - 1}
        return true_answer(*given)

    monkeypatch.setattr(server, "answer", answer)
    failed = run("evaluation", project="demo", jobset="fl", timeout="5s")
    assert failed["failed"]
    assert path.partition("?")[0] in failed["msg"]


@pytest.mark.parametrize("name", ["..", ".", "a%2e", "x/y", "../../project/other", ""])
@pytest.mark.parametrize("check", [False, True])
def test_names_to_purge_that_no_jobset_has(
    hydra: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch, name: str, check: bool
) -> None:
    """They would become a part of an address that is asked to be removed."""
    monkeypatch.setattr(server, "answer", lambda *_: Answer(200, PROJECT | {"jobsets": [name]}))
    failed = run("project", name="demo", jobsets=[], purge_jobsets=True, check=check)["msg"]
    assert failed.startswith(
        f'project demo: purge_jobsets: "{name}", which the server lists, is not a jobset identifier'
    )
    assert not hydra.writes


def test_what_stays_after_it_was_removed(hydra: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("project", name="demo")
    run("jobset", **FLAKE)
    true_answer = server.answer
    monkeypatch.setattr(
        server, "answer", lambda *given: Answer(200, {}) if given[1].method == "DELETE" else true_answer(*given)
    )
    failed = run("jobset", project="demo", name="fl", state="absent")["msg"]
    assert failed == "jobset demo:fl: it is still there after it was removed; run again, or remove it on Hydra's page"
