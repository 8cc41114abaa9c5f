# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules make of a server that means ill, or is no Hydra."""

from __future__ import annotations

import html
import json
from urllib.parse import quote, quote_plus

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.evaluation import errors_of
from ansible_collections.nixvegas.noc.tests.hydra_stand_in import server
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.answers import Answer
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.server import StandIn

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
