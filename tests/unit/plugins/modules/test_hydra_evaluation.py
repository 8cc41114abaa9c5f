# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module hydra_evaluation: a push, what it waits for, and how an evaluation fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.push import Pusher
from ansible_collections.nixvegas.noc.plugins.modules import hydra_evaluation
from ansible_collections.nixvegas.noc.tests.hydra_stand_in import evaluator
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.server import CUT_AFTER, CUT_BEFORE, PROXY_TIMEOUT, StandIn
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.state import Jobset

from .conftest import Run

Step = Callable[[], Any]
NAME = {"project": "demo", "jobset": "fl"}


@pytest.fixture(autouse=True)
def jobset(hydra: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch) -> Jobset:
    """A jobset; nobody waits in real time, and the server's clock goes a second a request."""
    ticks: Iterator[int] = iter(range(1795369000, 1795379000))
    hydra.database.clock = lambda: next(ticks)
    # A second passes at each look at the clock, so that what never comes ends a test instead of holding it.
    timeless = partial(Pusher, sleep=lambda _seconds: None, clock=partial(next, count(1.0)))
    monkeypatch.setattr(hydra_evaluation, "Pusher", timeless)
    run("project", name="demo", jobsets=[{"name": "fl", "flake": "github:NixOS/hydra/master"}])
    hydra.requests.clear()
    return hydra.database.projects["demo"].jobsets["fl"]


def script(hydra: StandIn, *steps: Step) -> None:
    """What the evaluator does: a step before each question that follows the push."""
    left = list(steps)

    def fault(method: str, target: str) -> None:
        if left and method == "GET" and any(line.startswith("POST /api/push") for line in hydra.requests):
            left.pop(0)()

    hydra.fault = fault


def nothing() -> None:
    """The evaluator sleeps."""


def test_waits_for_the_evaluation(hydra: StandIn, run: Run, jobset: Jobset) -> None:
    database = hydra.database
    evaluator.end(database, jobset, {"a": 0, "b": 0, "c": 1, "gone": 0})
    begin, end = partial(evaluator.begin, database, jobset), partial(evaluator.end, database, jobset)
    script(hydra, nothing, nothing, begin, nothing, lambda: end({"a": 0, "b": 1, "c": 1, "d": None, "e": 3}))
    done = run("evaluation", **NAME)
    assert (done["evaluation"]["id"], done["new_evaluation"]) == (2, True)
    assert {name: done[name] for name in ("new", "removed", "aborted", "newly_failing", "still_failing")} == {
        "new": ["d"],
        "removed": ["gone"],
        "aborted": ["e"],
        "newly_failing": ["b"],
        "still_failing": ["c"],
    }
    assert hydra.writes == ["POST /api/push?jobsets=demo:fl"]


def test_waits_for_builds(hydra: StandIn, run: Run, jobset: Jobset) -> None:
    def finish() -> None:
        hydra.database.builds[1] |= {"finished": 1, "buildstatus": 0}

    script(hydra, nothing, lambda: evaluator.end(hydra.database, jobset, {"a": None}), *[nothing] * 4, finish)
    assert run("evaluation", **NAME, wait="builds")["new"] == ["a"]
    assert hydra.requests.count("GET /eval/1/builds") >= 2


def test_evaluation_under_way_is_not_ours(hydra: StandIn, run: Run, jobset: Jobset) -> None:
    """Its end is before our evaluation's begin: the trigger is still there."""
    database = hydra.database
    evaluator.begin(database, jobset)
    begin, end = partial(evaluator.begin, database, jobset), partial(evaluator.end, database, jobset)
    script(hydra, nothing, lambda: end({"old": 0}), nothing, begin, lambda: end({"ours": 0}))
    assert run("evaluation", **NAME)["new"] == ["ours"]


def test_evaluation_that_ended_in_the_second_of_the_push_is_not_ours(hydra: StandIn, run: Run, jobset: Jobset) -> None:
    database = hydra.database
    evaluator.end(database, jobset, {"old": 0})
    second = jobset.columns["lastcheckedtime"]
    database.clock = lambda: second

    def later() -> None:
        database.clock = lambda: second + 1
        evaluator.end(database, jobset, {"ours": 0})

    script(hydra, *[nothing] * 6, later)
    assert run("evaluation", **NAME)["new"] == ["ours"]


def test_trigger_that_nobody_clears(hydra: StandIn, run: Run, jobset: Jobset) -> None:
    """As recorded where hydra-eval-jobset was run by hand: the jobset was checked, and the trigger is still there."""

    def by_hand() -> None:
        trigger = jobset.columns["triggertime"]
        evaluator.end(hydra.database, jobset, {"ours": 0})
        jobset.columns["triggertime"] = trigger

    script(hydra, nothing, by_hand)
    assert run("evaluation", **NAME)["new"] == ["ours"]


def test_unchanged_inputs(hydra: StandIn, run: Run, jobset: Jobset) -> None:
    evaluator.end(hydra.database, jobset, {"a": 0})
    script(hydra, nothing, lambda: evaluator.end(hydra.database, jobset))
    done = run("evaluation", **NAME)
    assert (done["evaluation"]["id"], done["new_evaluation"]) == (1, False)


def test_check_mode_pushes_nothing(hydra: StandIn, run: Run) -> None:
    assert run("evaluation", check=True, **NAME)["changed"]
    assert hydra.requests == ["GET /jobset/demo/fl", "GET /project/demo"]


def test_no_waiting(hydra: StandIn, run: Run, jobset: Jobset) -> None:
    assert run("evaluation", **NAME, wait="none")["evaluation"] is None
    assert jobset.columns["triggertime"] is not None


ERRORS = (
    "in job ‘a.x86_64-linux’:\nerror: attribute 'x' missing\n\n       at release.nix:3:5:\n\n\n"
    + "in job ‘b’:\n" + "".join(f"line {number}\n" for number in range(9)) + "\n\n"
    + "at top-level:\nerror: out of luck\n\n"
)  # fmt: skip


def test_errors_are_readable(hydra: StandIn, run: Run, jobset: Jobset) -> None:
    script(hydra, nothing, lambda: evaluator.end(hydra.database, jobset, {"c": 0}, errors=ERRORS))
    failed = run("evaluation", **NAME)
    assert (failed["failed"], failed["reason"], len(failed["errors"])) == (True, "errors", 3)
    assert failed["msg"] == (
        "jobset demo:fl: its evaluation failed with 3 errors:\n"
        "a.x86_64-linux:\n  error: attribute 'x' missing\n         at release.nix:3:5:\n"
        "b:\n  line 0\n  line 1\n  line 2\n  line 3\n  line 4\n  line 5\n  …\n"
        "(top level):\n  error: out of luck"
    )


def test_credentials_are_not_shown(hydra: StandIn, run: Run, jobset: Jobset) -> None:
    """Of what cannot be fetched, and of the inputs an evaluation tells."""
    refused = "cannot fetch https://bot:hunter2@x.org/a.git"
    script(hydra, nothing, lambda: evaluator.end(hydra.database, jobset, fetch_error=refused))
    failed = run("evaluation", **NAME)
    assert "https://***@x.org/a.git" in failed["msg"]
    evaluator.end(hydra.database, jobset, {"a": 0})
    hydra.requests.clear()
    jobset.evaluations[-1]["jobsetevalinputs"] = {"src": {"uri": "https://bot:hunter2@x.org/a.git"}}
    script(hydra, nothing, lambda: evaluator.end(hydra.database, jobset))
    done = run("evaluation", **NAME)
    assert done["evaluation"]["jobsetevalinputs"] == {"src": {"uri": "https://***@x.org/a.git"}}
    assert "hunter2" not in f"{failed}{done}{run('info')['latest_evaluations']}"


def test_inputs_that_cannot_be_fetched(hydra: StandIn, run: Run, jobset: Jobset) -> None:
    script(hydra, nothing, lambda: evaluator.end(hydra.database, jobset, fetch_error="cannot add path /nonexistent\n"))
    failed = run("evaluation", **NAME)
    assert failed["errors"] == [{"job": "(fetching the inputs)", "message": "cannot add path /nonexistent"}]


@pytest.mark.parametrize("which", ["jobset", "project"])
def test_disabled_is_an_error_of_its_own(hydra: StandIn, run: Run, jobset: Jobset, which: str) -> None:
    (jobset if which == "jobset" else hydra.database.projects["demo"]).columns["enabled"] = 0
    for check in (True, False):
        failed = run("evaluation", check=check, **NAME)
        assert failed["reason"] == "disabled"
        assert failed["msg"].startswith(f"jobset demo:fl: the {which} is disabled, so Hydra ignores a push; set ")
    assert hydra.writes == []


def test_disabled_in_between(hydra: StandIn, run: Run, jobset: Jobset) -> None:
    def fault(method: str, target: str) -> None:
        if method == "POST" and "push" in target:
            jobset.columns["enabled"] = 0

    hydra.fault = fault
    assert run("evaluation", **NAME)["msg"] == "jobset demo:fl: Hydra ignored the push: it was disabled just now"


def test_time_limit_says_what_it_waited_for(hydra: StandIn, run: Run, jobset: Jobset) -> None:
    failed = run("evaluation", **NAME, timeout=1)
    assert failed["reason"] == "timeout"
    assert failed["msg"] == (
        "jobset demo:fl: its evaluation did not end within 1 seconds: it has not begun: is hydra-evaluator running, and"
        " is another evaluation before it?"
    )
    script(hydra, nothing, lambda: evaluator.end(hydra.database, jobset, {"a": None, "b": 0}))
    failed = run("evaluation", **NAME, wait="builds", timeout=3)
    assert failed["reason"] == "timeout"


def test_missing_jobset(run: Run) -> None:
    failed = run("evaluation", project="demo", jobset="nope")["msg"]
    assert failed == (
        "jobset demo:nope: does not exist, or was renamed; create it with hydra_jobset, or use its new name"
    )


def test_who_may(run: Run) -> None:
    assert "Pushing needs the role eval-jobset" in run("evaluation", user="carol", **NAME)["msg"]
    assert run("evaluation", user="dave", wait="none", **NAME)["changed"]


@pytest.mark.parametrize("fault", [CUT_AFTER, PROXY_TIMEOUT])
def test_lost_answer_is_looked_for_not_repeated(hydra: StandIn, run: Run, jobset: Jobset, fault: str) -> None:
    done = partial(evaluator.end, hydra.database, jobset, {"a": 0})

    def lose(method: str, target: str) -> str | None:
        if method == "GET" and hydra.writes and target == "/jobset/demo/fl" and jobset.columns["triggertime"]:
            done() if hydra.requests[-1] == "GET /jobset/demo/fl" else None
        return fault if "push" in target else None

    hydra.fault = lose
    assert run("evaluation", **NAME)["new"] == ["a"]
    assert hydra.writes == ["POST /api/push?jobsets=demo:fl"]


def test_push_that_never_arrived(hydra: StandIn, run: Run) -> None:
    hydra.fault = lambda _method, target: CUT_BEFORE if "push" in target else None
    failed = run("evaluation", **NAME)["msg"]
    assert failed.endswith("No sign of the push is there; run again.")
    assert hydra.writes == ["POST /api/push?jobsets=demo:fl"]
