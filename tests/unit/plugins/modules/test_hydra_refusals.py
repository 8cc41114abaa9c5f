# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobsets that are refused before a request is sent: with the field, the value, and what would be right."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.fields import JOBSET, TEXT
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.server import StandIn

from .conftest import LEGACY, Run

pytestmark = pytest.mark.usefixtures("demo")

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
    ({"name": True, "flake": "a:b"}, "jobset demo:true: name: true is not a text; write it in quotes"),
    ({"project": True, "flake": "a:b"}, "project true: name: true is not a text; write it in quotes"),
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


def test_all_mistakes_at_once(hydra: StandIn, run: Run) -> None:
    """Of all jobsets, their fields and their inputs."""
    legacy = {"nix_expression": "/abs", "inputs": {"9x": {}, "a": {"typ": 1, "val": 2}, "b": {"type": "string"}}}
    failed = run(
        "project",
        name="demo",
        homepage=" a",
        jobsets=[{"name": "9", "description": 5}, {"name": "legacy", **legacy}, {"name": "fine", "flake": "a:b"}],
    )["msg"]
    assert [line.partition("; ")[0] for line in failed.splitlines()] == [
        'project demo: homepage: " a" has blanks at an end, which Hydra drops',
        'jobset demo:9: name: "9" is not a jobset identifier',
        "jobset demo:9: description: 5 is not a text",
        'jobset demo:legacy: nix_expression: "/abs" is not a path Hydra takes',
        'jobset demo:legacy: inputs.9x: "9x" is not an input name',
        "jobset demo:legacy: inputs.a.typ: is not a key here",
        "jobset demo:legacy: inputs.a.val: is not a key here",
    ]
    assert hydra.requests == []
    failed = run("jobset", project="demo", name="whole", inputs={"a": {"type": "string"}, "b": {"value": "c"}})["msg"]
    assert [line.partition("; ")[0] for line in failed.splitlines()] == [
        "jobset demo:whole: inputs.a: has no value",
        "jobset demo:whole: inputs.b: has no type",
    ]
