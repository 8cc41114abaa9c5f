# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module hydra_jobset: merging, exactness, refusals, and one plan for check mode, diff and change."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.fields import JOBSET, TEXT
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.server import StandIn

from .conftest import Run

LEGACY: dict[str, Any] = {
    "project": "demo",
    "name": "leg",
    "nix_expression": "release.nix",
    "nix_expression_input": "src",
    "check_interval": "5m",
    "inputs": {"src": {"type": "git", "value": "https://git.example.org/a.git main"}},
}
FLAKE: dict[str, Any] = {"project": "demo", "name": "fl", "flake": "github:NixOS/hydra/master"}


@pytest.fixture(autouse=True)
def demo(hydra: StandIn, run: Run) -> None:
    """Every test begins with an empty project."""
    run("project", name="demo")
    hydra.requests.clear()


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


REFUSED = [
    ({"name": "9x", **{"flake": "a:b"}}, 'jobset demo:9x: name: "9x" is not a jobset identifier; use letters, digits,'),
    ({"inputs": {"9x": {}}}, 'inputs.9x: "9x" is not an input name; use letters, digits, - and _'),
    ({"inputs": []}, "cannot be converted to a dict"),
    ({"inputs": {"x": "str"}}, 'inputs.x: "str" is not a mapping; write {type: …, value: …}'),
    ({"inputs": {"x": {"typ": "git"}}}, "inputs.x.typ: is not a key here; known keys: type, value, notify_committers"),
    ({"inputs": {"x": {"value": "a"}}}, "inputs.x: has no type; write one, such as git; known are bitbucketpulls,"),
    ({"inputs": {"x": {"type": "string"}}}, 'inputs.x: has no value; write one; "" is an empty string'),
    ({"inputs": {"x": {"type": "git", "value": ["a", "b"]}}}, 'inputs.x.value: ["a", "b"] is not a single value'),
    ({"inputs": {"x": {"type": "string", "value": 5}}}, "inputs.x.value: 5 is not a text, and Hydra would change"),
    ({"inputs": {"x": {"type": "string", "value": True}}}, "inputs.x.value: true is not a text"),
    ({"inputs": {"x": {"type": "string", "value": 25.1}}}, "inputs.x.value: 25.1 is not a text"),
    ({"inputs": {"x": {"type": "boolean", "value": "yes"}}}, 'inputs.x.value: "yes" is neither true nor false'),
    ({"inputs": {"x": {"type": "boolean", "value": 2}}}, "inputs.x.value: 2 is neither true nor false"),
    (
        {"inputs": {"x": {"type": "eval", "value": "foo"}}},
        'inputs.x.value: "foo" names no evaluation; write the number',
    ),
    (
        {"inputs": {"x": {"type": "git", "value": " b "}}},
        'inputs.x.value: " b " has blanks at an end, which Hydra drops',
    ),
    ({"description": " a "}, 'description: " a " has blanks at an end, which Hydra drops; remove them'),
    ({"email_override": "0"}, 'email_override: "0" is no mail address'),
    ({"check_interval": "1 hour"}, 'check_interval: "1 hour" is not a duration; write seconds, or a number with one'),
    ({"check_interval": "-1"}, 'check_interval: "-1" is not a duration'),
    ({"check_interval": "99999999999"}, 'check_interval: "99999999999" is too long for Hydra\'s database'),
    ({"scheduling_shares": 0}, "scheduling_shares: 0 is not a number of shares; write a whole number from 1 to"),
    ({"evaluations_to_keep": -1}, "evaluations_to_keep: -1 is not a number of evaluations"),
    ({"evaluations_to_keep": "x"}, "cannot be converted to an int"),
    ({"evaluations_to_keep": True}, "evaluations_to_keep: true is not a number of evaluations"),
    ({"name": True, "flake": "a:b"}, "jobset demo:True: name: true is not a text; write it in quotes"),
    ({"project": True, "flake": "a:b"}, "project True: name: true is not a text; write it in quotes"),
    ({"state": "4"}, "value of state must be one of"),
    ({"flake": "./rel"}, 'flake: "./rel" is not a flake URI; begin with a scheme: "github:NixOS/nixpkgs/master"'),
    ({"flake": "a:b", "nix_expression": "x"}, "flake: and nix_expression exclude each other; write one of them"),
    ({"flake": "a:b", "inputs": {"x": {"type": "git", "value": "y"}}}, "inputs: belongs to legacy jobsets, and Hydra"),
    ({"flake": "a:b", "type": "legacy"}, "flake: belongs to flake jobsets, and Hydra drops it for a legacy one"),
    ({"type": "flake"}, 'flake: is missing for a flake jobset; write one, such as "github:NixOS/nixpkgs/master"'),
    ({"nix_expression": "/abs"}, 'nix_expression: "/abs" is not a path Hydra takes; write it relative'),
    ({"nix_expression": "a b"}, 'nix_expression: "a b" is not a path Hydra takes'),
    ({"nix_expression": "x"}, "nix_expression_input: is missing for a legacy jobset; write one, or a flake"),
    ({"nix_expression": "x", "nix_expression_input": "9x"}, 'nix_expression_input: "9x" is not an input name'),
    ({}, "nix_expression: is missing for a legacy jobset; write one, or a flake"),
    ({"project": "a.b"}, 'project a.b: name: "a.b" is not a project identifier; use letters, digits, - and _'),
]


@pytest.mark.parametrize(("fields", "words"), REFUSED, ids=lambda value: str(value)[:40])
def test_refused_before_a_request(hydra: StandIn, run: Run, fields: dict[str, Any], words: str) -> None:
    """Before any request, unless what the server has decides whether it is a mistake."""
    result = run("jobset", **({"project": "demo", "name": "new"} | fields))
    assert words in result["msg"]
    assert hydra.requests == ([] if "missing" not in words and "has no" not in words else ["GET /jobset/demo/new"])


@pytest.mark.parametrize(("value", "shown"), [(5, "5"), (25.05, "25.05"), (True, "true"), (["a", "b"], '["a", "b"]')])
@pytest.mark.parametrize("name", [field.name for field in JOBSET if field.kind == TEXT])
def test_what_is_no_text_is_no_text(hydra: StandIn, run: Run, name: str, value: object, shown: str) -> None:
    """Ansible would make one of it."""
    for module, options in (
        ("jobset", {"project": "demo", "name": "new", name: value}),
        ("project", {"name": "demo", "jobsets": [{"name": "new", name: value}]}),
    ):
        refused = run(module, **options)["msg"]
        assert refused.startswith(f"jobset demo:new: {name}: {shown} is not a text; write ")
    assert hydra.requests == []


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("notify_committers", "yes", '"yes" is neither true nor false; write true or false'),
        ("notify_committers", 1, "1 is neither true nor false"),
        ("notify_committers", [], "[] is neither true nor false"),
        ("notify_committers", "", '"" is neither true nor false'),
        ("type", 5, "5 is not a text; write it in quotes"),
        ("type", [], "[] is not a text; write one text"),
        ("type", "", '"" is empty; write one, such as git; known are'),
        ("type", "git ", '"git " has blanks at an end'),
        ("value", {"a": 1}, '{"a": 1} is not a single value'),
        ("value", 5, "5 is not a text, and Hydra would change how it is written; write it in quotes"),
    ],
)
def test_mistakes_of_an_input_name_it_and_the_value(
    hydra: StandIn, run: Run, key: str, value: object, words: str
) -> None:
    """Also where only this key of an input is named."""
    for parts in ({"type": "git", "value": "https://x.org/a.git", key: value}, {key: value}):
        refused = run("jobset", project="demo", name="leg", inputs={"src": parts})["msg"]
        assert refused.startswith(f"jobset demo:leg: inputs.src.{key}: {words}")
    assert hydra.requests == []


@pytest.mark.parametrize("value", [1, 1.0, 0, "yes", "True", "", []])
def test_boolean_inputs_are_true_or_false(hydra: StandIn, run: Run, value: object) -> None:
    inputs = {"flag": {"type": "boolean", "value": value}}
    refused = run("jobset", project="demo", name="leg", inputs=inputs)["msg"]
    assert refused.startswith(f"jobset demo:leg: inputs.flag.value: {json.dumps(value)} is ")
    assert hydra.requests == []


def test_value_of_a_type_that_the_server_knows(hydra: StandIn, run: Run) -> None:
    """What is written without its type is read by the type that the input has."""
    inputs = {"src": LEGACY["inputs"]["src"], "flag": {"type": "boolean", "value": "true"}}
    run("jobset", **(LEGACY | {"inputs": inputs}))
    assert not run("jobset", project="demo", name="leg", inputs={"flag": {"value": True}})["changed"]
    refused = run("jobset", project="demo", name="leg", inputs={"src": {"value": True}})["msg"]
    assert refused.startswith("jobset demo:leg: inputs.src.value: true is not a text")
    refused = run("jobset", project="demo", name="leg", inputs={"flag": {"value": "on"}})["msg"]
    assert refused.startswith('jobset demo:leg: inputs.flag.value: "on" is neither true nor false')


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


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("https://bot:hunter2@x.org/a.git", "https://bot:hunter3@x.org/a.git", "https://***@x.org/a.git"),
        ("https://hunter2@x.org/a.git", "https://hunter3@x.org/a.git", "https://***@x.org/a.git"),
        ("https://b:hunt/er2@x.org/a.git", "https://b:hunt/er3@x.org/a.git", "https://***@x.org/a.git"),
        ("https://b:hunt@er2@x.org/a.git", "https://b:hunt@er3@x.org/a.git", "https://***@x.org/a.git"),
        (
            "git+https://x.org/a?token=hunter2&b=c",
            "git+https://x.org/a?token=hunter3&b=c",
            "git+https://x.org/a?token=***&b=c",
        ),
    ],
)
def test_credentials_in_a_url_are_not_shown(run: Run, before: str, after: str, shown: str) -> None:
    """Not in the diff, which says that they change, nor in the invocation that -vvv prints."""
    first = run("jobset", **(LEGACY | {"inputs": {"src": {"type": "git", "value": before}}}))
    assert f"inputs.src.value: {shown}\n" in first["diff"][0]["after"]
    second = run("jobset", project="demo", name="leg", inputs={"src": {"value": after}})
    assert second["diff"][0]["after"] == f"inputs.src.value: {shown} (credentials after)\n"
    refused = run("jobset", project="demo", name="leg", inputs={"src": {"value": f"{after} "}}, flake=f"{after} ")
    assert shown in refused["msg"]
    mistaken = run("jobset", project="demo", name="leg", nosuch=1, flake=after)
    assert mistaken["msg"].startswith("Unsupported parameters")
    for result in (first, second, refused, mistaken):
        assert "unt" not in str(result)
