# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module hydra_jobset: merging, exactness, permissions, and one plan for check mode, diff and change."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.server import StandIn

from .conftest import FLAKE, LEGACY, Run

pytestmark = pytest.mark.usefixtures("demo")


@pytest.mark.parametrize("wanted", [LEGACY, FLAKE], ids=["legacy", "flake"])
def test_check_change_and_second_run(hydra: StandIn, run: Run, wanted: dict[str, Any]) -> None:
    foretold = run("jobset", check=True, **wanted)
    assert foretold["changed"]
    assert hydra.writes == []
    done = run("jobset", **wanted)
    assert {key: done[key] for key in ("changed", "diff", "changes")} == {
        key: foretold[key] for key in ("changed", "diff", "changes")
    }
    assert hydra.writes == [f"PUT /jobset/demo/{wanted['name']}"]
    hydra.requests.clear()
    assert not run("jobset", **wanted)["changed"]
    assert hydra.requests == [f"GET /jobset/demo/{wanted['name']}"]


def test_new_one_is_enabled_and_visible(hydra: StandIn, run: Run) -> None:
    """What the API would take from a minimal request is a disabled, hidden jobset."""
    run("jobset", **FLAKE)
    columns = hydra.database.projects["demo"].jobsets["fl"].columns
    assert (columns["enabled"], columns["visible"], columns["enableemail"]) == (1, True, False)


def test_what_is_not_named_stays(hydra: StandIn, run: Run) -> None:
    run("jobset", **LEGACY, description="kept", email_notification=True)
    done = run("jobset", project="demo", name="leg", inputs={"flag": {"type": "boolean", "value": True}})
    assert done["changes"][0]["fields"] == ["inputs.flag.type", "inputs.flag.value", "inputs.flag.notify_committers"]
    jobset = hydra.database.projects["demo"].jobsets["leg"]
    assert (jobset.columns["description"], jobset.columns["enableemail"]) == ("kept", True)
    assert jobset.inputs["src"]["value"] == "https://git.example.org/a.git main"
    assert jobset.inputs["flag"]["value"] == "true"


def test_key_of_an_input_that_is_not_named_stays(hydra: StandIn, run: Run) -> None:
    run("jobset", **LEGACY)
    done = run("jobset", project="demo", name="leg", inputs={"src": {"value": "https://git.example.org/a.git next"}})
    assert done["diff"] == [
        {
            "before_header": "jobset demo:leg",
            "after_header": "jobset demo:leg",
            "before": "inputs.src.value: https://git.example.org/a.git main\n",
            "after": "inputs.src.value: https://git.example.org/a.git next\n",
        }
    ]
    assert hydra.database.projects["demo"].jobsets["leg"].inputs["src"]["type"] == "git"


def test_exact_resets(hydra: StandIn, run: Run) -> None:
    run("jobset", **LEGACY, description="gone", state="one_shot", visible=False)
    run("jobset", project="demo", name="leg", inputs={"x": {"type": "string", "value": ""}})
    done = run("jobset", **LEGACY, exact=True)
    assert done["diff"][0]["before"].splitlines() == [
        "state: one_shot",
        "visible: false",
        "description: gone",
        "inputs.x.type: string",
        "inputs.x.value: ",
        "inputs.x.notify_committers: false",
    ]
    assert done["diff"][0]["after"].splitlines() == ["state: enabled", "visible: true", "description: "]
    assert not run("jobset", **LEGACY, exact=True)["changed"]


def test_from_legacy_to_flake_and_back(hydra: StandIn, run: Run) -> None:
    run("jobset", **LEGACY)
    done = run("jobset", project="demo", name="leg", flake="github:a/b")
    assert done["changes"][0]["fields"][:4] == ["type", "flake", "nix_expression", "nix_expression_input"]
    assert hydra.database.projects["demo"].jobsets["leg"].inputs == {}
    run("jobset", **LEGACY)
    assert hydra.database.projects["demo"].jobsets["leg"].columns["flake"] is None


def test_flags_can_be_switched_off(hydra: StandIn, run: Run) -> None:
    """Where the API takes false for true."""
    run("jobset", **FLAKE, email_notification=True)
    run("jobset", **FLAKE, email_notification=False, visible=False)
    columns = hydra.database.projects["demo"].jobsets["fl"].columns
    assert (columns["enableemail"], columns["visible"]) == (False, False)


def test_pending_evaluation_survives_a_run_without_difference(hydra: StandIn, run: Run) -> None:
    run("jobset", **FLAKE)
    hydra.database.projects["demo"].jobsets["fl"].columns["triggertime"] = 1795369097
    run("jobset", **FLAKE)
    assert hydra.database.projects["demo"].jobsets["fl"].columns["triggertime"] == 1795369097


def test_renamed_jobset_is_not_there(hydra: StandIn, run: Run) -> None:
    run("jobset", **FLAKE)
    project = hydra.database.projects["demo"]
    project.jobsets["new"] = project.jobsets.pop("fl")
    project.jobsets["new"].name, project.renames["fl"] = "new", "new"
    done = run("jobset", **FLAKE)
    assert done["changes"][0]["action"] == "create"
    assert sorted(project.jobsets) == ["fl", "new"]


def test_removal(hydra: StandIn, run: Run) -> None:
    run("jobset", **FLAKE)
    assert run("jobset", check=True, project="demo", name="fl", state="absent")["changed"]
    done = run("jobset", project="demo", name="fl", state="absent")
    assert done["changes"][0]["action"] == "delete"
    assert done["diff"][0]["before"] == "type: flake\nflake: github:NixOS/hydra/master\n"
    assert hydra.writes[-1] == "DELETE /jobset/demo/fl"
    assert not run("jobset", project="demo", name="fl", state="absent")["changed"]


def test_unknown_input_type_warns_and_the_server_decides(run: Run) -> None:
    wanted = LEGACY | {"inputs": LEGACY["inputs"] | {"x": {"type": "carrier-pigeon", "value": "coo"}}}
    foretold = run("jobset", check=True, **wanted)
    assert foretold["warnings"] == [
        'jobset demo:leg: inputs.x.type: "carrier-pigeon" is no input type of Hydra itself; the server refuses it'
        " unless a plugin there adds it"
    ]
    refused = run("jobset", **wanted)["msg"]
    assert refused.startswith("jobset demo:leg: PUT http://127.0.0.1:")
    assert "was answered 400: Invalid input type ‘carrier-pigeon’; valid types: ‘eval’," in refused
    assert refused.endswith("Use one of these types, or install the plugin that adds it on the server.")


def test_expression_in_no_input_warns(run: Run) -> None:
    done = run("jobset", **(LEGACY | {"nix_expression_input": "nosuch"}))
    assert done["warnings"] == [
        'jobset demo:leg: nix_expression_input: the jobset has no input "nosuch", so it will not evaluate'
    ]


@pytest.mark.parametrize(
    ("user", "action", "words"),
    [
        (None, {}, "wants a user who is signed in; give username and password, as options or as HYDRA_USERNAME"),
        ("bob", {}, "Only the project members or administrators can perform this operation. Sign in as the project's"),
        (
            "bob",
            {"state": "absent"},
            "Only administrators can perform this operation. Removing a jobset needs the role",
        ),
    ],
)
def test_who_may(run: Run, user: str | None, action: dict[str, Any], words: str) -> None:
    run("jobset", **FLAKE)
    result = run("jobset", user=user, **(FLAKE | {"description": "new"} | action))
    assert result["msg"].startswith("jobset demo:fl: ") or user is None
    assert words in result["msg"]


def test_missing_project(run: Run) -> None:
    """In check mode it may be one that an earlier task would make."""
    wanted = FLAKE | {"project": "nope"}
    words = "jobset nope:fl: project nope does not exist; create it first, with hydra_project"
    assert run("jobset", check=True, **wanted)["warnings"] == [words]
    assert run("jobset", **wanted)["msg"] == words


def test_declarative_project(hydra: StandIn, run: Run) -> None:
    declarative = {"file": "spec.json", "type": "git", "value": "https://git.example.org/decl.git main"}
    run("project", name="decl", declarative=declarative)
    hydra.requests.clear()
    result = run("jobset", **(FLAKE | {"project": "decl"}))
    assert result["msg"] == ("jobset decl:fl: the project is declarative: change spec.json in its repository instead")
    assert hydra.writes == []
