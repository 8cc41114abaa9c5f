# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module hydra_project: a project whole, with its jobsets, by as few requests as can be."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.server import StandIn

from .conftest import Run

DECLARATIVE = {"file": "spec.json", "type": "git", "value": "https://git.example.org/decl.git main"}


def flakes(count: int) -> list[dict[str, Any]]:
    """A list of jobsets."""
    return [{"name": f"j{number}", "flake": f"github:example/{number}"} for number in range(count)]


def test_check_change_and_second_run(hydra: StandIn, run: Run) -> None:
    wanted = {"name": "demo", "description": "A demo", "jobsets": flakes(2)}
    foretold = run("project", check=True, **wanted)
    assert hydra.writes == []
    done = run("project", **wanted)
    assert [done[key] for key in ("changed", "diff", "changes")] == [
        foretold[key] for key in ("changed", "diff", "changes")
    ]
    assert hydra.writes == ["PUT /project/demo", "PUT /jobset/demo/j0", "PUT /jobset/demo/j1"]
    assert done["diff"][0]["after"] == "display_name: demo\ndescription: A demo\n"
    assert not run("project", **wanted)["changed"]


def test_200_jobsets_cost_one_request_each(hydra: StandIn, run: Run) -> None:
    wanted = {"name": "demo", "jobsets": flakes(200)}
    run("project", **wanted)
    hydra.requests.clear()
    assert not run("project", **wanted)["changed"]
    assert len(hydra.requests) == 201
    assert len(set(hydra.requests)) == 201
    assert hydra.writes == []


def test_what_is_not_named_stays_and_exact_resets(hydra: StandIn, run: Run) -> None:
    run("project", name="demo", description="kept", visible=False, homepage="https://example.org")
    run("project", name="demo", homepage="")
    assert hydra.database.projects["demo"].columns["description"] == "kept"
    assert hydra.database.projects["demo"].columns["hidden"]
    done = run("project", name="demo", exact=True)
    assert done["diff"][0]["before"] == "description: kept\nvisible: false\n"
    assert done["diff"][0]["after"] == "description: \nvisible: true\n"


def test_flags_can_be_switched_off(hydra: StandIn, run: Run) -> None:
    """Where the API takes false for true."""
    run("project", name="demo", enabled=False, visible=False)
    columns = hydra.database.projects["demo"].columns
    assert (columns["enabled"], columns["hidden"]) == (False, True)


def test_dynamic_run_command(hydra: StandIn, run: Run) -> None:
    refused = run("project", name="demo", dynamic_run_command=True)["msg"]
    assert "Dynamic RunCommand is not enabled by the server. Leave dynamic_run_command out" in refused
    hydra.database.dynamic = True
    run("project", name="demo", dynamic_run_command=True, jobsets=[*flakes(1)])
    run("project", name="demo", jobsets=[{"name": "j0", "dynamic_run_command": True}])
    run("project", name="demo", dynamic_run_command=False)
    assert not hydra.database.projects["demo"].columns["enable_dynamic_run_command"]
    refused = run("jobset", project="demo", name="j0", description="x")["msg"]
    assert "Set dynamic_run_command: true for the project first" in refused


def test_purge_is_asked_for(hydra: StandIn, run: Run) -> None:
    run("project", name="demo", jobsets=flakes(3))
    assert not run("project", name="demo", jobsets=flakes(1))["changed"]
    done = run("project", name="demo", jobsets=flakes(1), purge_jobsets=True)
    assert [change["subject"] for change in done["changes"]] == ["jobset demo:j1", "jobset demo:j2"]
    assert done["diff"][0]["before"] == "type: flake\nflake: github:example/1\n"
    assert list(hydra.database.projects["demo"].jobsets) == ["j0"]


def test_one_jobset_removed_by_its_state(hydra: StandIn, run: Run) -> None:
    run("project", name="demo", jobsets=flakes(2))
    run("project", name="demo", jobsets=[{"name": "j0", "state": "absent"}, {"name": "never", "state": "absent"}])
    assert list(hydra.database.projects["demo"].jobsets) == ["j1"]


def test_declarative(hydra: StandIn, run: Run) -> None:
    run("project", name="decl", declarative=DECLARATIVE)
    assert list(hydra.database.projects["decl"].jobsets) == [".jobsets"]
    hydra.requests.clear()
    assert not run("project", name="decl", declarative=DECLARATIVE)["changed"]
    run("project", name="decl", description="still declarative")
    assert hydra.database.projects["decl"].declarative == DECLARATIVE
    done = run("project", name="decl", declarative={})
    assert done["changes"][0]["fields"] == ["declarative.file", "declarative.type", "declarative.value"]
    assert hydra.database.projects["decl"].jobsets == {}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "9bad"}, 'project 9bad: name: "9bad" is not a project identifier; use letters, digits, - and _'),
        ({"display_name": ""}, 'project demo: display_name: "" is empty; write what people call the project'),
        ({"homepage": " x"}, 'project demo: homepage: " x" has blanks at an end, which Hydra drops; remove them'),
        ({"owner": ""}, 'project demo: owner: "" is empty; name a user of Hydra, or leave owner out'),
        ({"owner": ["alice"]}, 'project demo: owner: ["alice"] is not a text; write one text'),
        ({"description": 5}, "project demo: description: 5 is not a text; write it in quotes"),
        ({"display_name": False}, "project demo: display_name: false is not a text; write it in quotes"),
        ({"homepage": {}}, "project demo: homepage: {} is not a text; write one text"),
        ({"name": True}, "project true: name: true is not a text; write it in quotes"),
        ({"declarative": {**DECLARATIVE, "value": 5}}, "project demo: declarative.value: 5 is not a text"),
        ({"declarative": {**DECLARATIVE, "type": []}}, "project demo: declarative.type: [] is not a text"),
        ({"declarative": {"file": "a"}}, "project demo: declarative.type: is missing; write file, type and value; {}"),
        ({"declarative": {**DECLARATIVE, "value": ""}}, "project demo: declarative.value: is missing"),
        (
            {"declarative": DECLARATIVE, "jobsets": flakes(1)},
            "project demo: jobsets: the project is declarative, so its jobsets come from spec.json; remove jobsets and",
        ),
        ({"jobsets": flakes(1) * 2}, "jobset demo:j0: is listed twice; put what it needs together"),
        (
            {"jobsets": [{"name": "j", "flake": "a:b", "check_interval": "soon"}]},
            'jobset demo:j: check_interval: "soon"',
        ),
        (
            {"jobsets": [{"name": "j", "visible": "maybe"}]},
            "jobset demo:j: argument 'visible' is of type str and we were",
        ),
        (
            {"jobsets": [{"name": "j", "state": "on"}]},
            "jobset demo:j: value of state must be one of: disabled, enabled",
        ),
        ({"jobsets": [{"name": "j", "stat": "x"}]}, "jobset demo:j: stat. Supported parameters include: "),
        ({"jobsets": [{"flake": "a:b"}]}, "jobset demo:?: missing required arguments: name"),
    ],
)
def test_refused_before_a_request(hydra: StandIn, run: Run, fields: dict[str, Any], words: str) -> None:
    assert run("project", **({"name": "demo"} | fields))["msg"].startswith(words)
    assert hydra.requests == []


def test_unknown_declarative_type_warns(run: Run) -> None:
    """The server takes it without a word."""
    done = run("project", name="decl", declarative=DECLARATIVE | {"type": "nosuch"})
    assert done["warnings"][0].startswith('project decl: declarative.type: "nosuch" is no input type of Hydra itself')


def test_owner_of_others_is_refused_before_a_request(hydra: StandIn, run: Run) -> None:
    """The server would ignore it."""
    for check in (True, False):
        refused = run("project", user="bob", check=check, name="bobs", owner="alice")["msg"]
        assert refused == (
            'project bobs: owner: "alice" would be ignored: only administrators choose an owner, and who signs in here'
            " has the roles: create-projects; leave owner out, or sign in with the role admin"
        )
    assert hydra.writes == []
    assert run("project", user="bob", name="bobs", owner="bob")["changed"]
    assert run("project", name="bobs", owner="alice")["changed"]
    assert hydra.database.projects["bobs"].columns["owner"] == "alice"


@pytest.mark.parametrize(
    ("user", "fields", "words"),
    [
        ("carol", {"name": "new"}, "this operation. Creating projects needs the role create-projects or admin."),
        ("bob", {"name": "demo", "description": "x"}, "Sign in as the project's owner, as one of its members, or with"),
        ("alice", {"name": "demo", "owner": "nobody"}, "The user name ‘nobody’ does not exist. Create that user with"),
    ],
)
def test_refusals_of_the_server(run: Run, user: str, fields: dict[str, Any], words: str) -> None:
    run("project", name="demo")
    refused = run("project", user=user, **fields)["msg"]
    assert refused.startswith(f"project {fields['name']}: PUT http://127.0.0.1:")
    assert words in refused


def test_removal(hydra: StandIn, run: Run) -> None:
    run("project", name="demo", jobsets=flakes(1))
    assert run("project", check=True, name="demo", state="absent")["changed"]
    assert run("project", name="demo", state="absent")["changes"][0]["action"] == "delete"
    assert hydra.database.projects == {}
    assert not run("project", name="demo", state="absent")["changed"]
