# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module hydra_info: what is read can be given back, as data and as part of an event file."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from ansible_collections.nixvegas.noc.plugins.plugin_utils.event import compile_text
from ansible_collections.nixvegas.noc.tests.hydra_stand_in import evaluator
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.server import StandIn

from .conftest import Result, Run

EVENT = Path(__file__).resolve().parents[3] / "golden/event/valid.yml"
AWKWARD = [
    "no",
    "5",
    " blanks ",
    "",
    "a: b",
    "x # y",
    "- z",
    "{a}",
    "ü ☃ \U0001f600",
    'q"uote',
    "new\nline",
    "\x7f\x85\u2028",
    "~",
]
PROJECTS: list[dict[str, Any]] = [
    {
        "name": "nixpkgs",
        "display_name": "Nixpkgs: all of it",
        "description": "yes",
        "homepage": "https://nixos.org/?a=b&c#d",
        "owner": "bob",
        "visible": False,
        "jobsets": [
            {
                "name": "release-25.05",
                "state": "one_at_a_time",
                "visible": False,
                "nix_expression": "nixos/release.nix",
                "nix_expression_input": "nixpkgs",
                "check_interval": "1h",
                "scheduling_shares": 100,
                "evaluations_to_keep": 3,
                "email_notification": True,
                "email_override": "ops@example.org",
                "inputs": {
                    "nixpkgs": {"type": "git", "value": "https://x.org/n.git main", "notify_committers": True},
                    "flag": {"type": "boolean", "value": True},
                    **{f"s{i}": {"type": "string", "value": text} for i, text in enumerate(AWKWARD)},
                },
            },
            {"name": "fl", "flake": "github:NixOS/hydra/master", "check_interval": 90, "state": "disabled"},
        ],
    },
    {"name": "_x", "enabled": False},
    {"name": "decl", "declarative": {"file": "spec.json", "type": "git", "value": "https://x.org/d.git main"}},
]


@pytest.fixture(autouse=True)
def filled(run: Run) -> None:
    """Every test begins with these projects."""
    for project in PROJECTS:
        assert run("project", **project)["changed"]


def apply(run: Run, text: str) -> list[Result]:
    """What playbooks/hydra.yml does with the event file that has this part."""
    compiled = compile_text(EVENT.read_text() + text, "event.yml", PurePosixPath("SECRETS")).controller
    return [run("project", **project) for project in compiled["hydra_projects"]]


def test_data_can_be_given_back(hydra: StandIn, run: Run) -> None:
    found = run("info")["projects"]
    hydra.requests.clear()
    for project in found:
        assert not run("project", **project, exact=True)["changed"]
    assert hydra.writes == []
    hydra.database.projects.clear()
    for project in found:
        run("project", **project)
    assert run("info")["projects"] == found


def test_event_file_round_trip(hydra: StandIn, run: Run) -> None:
    """To the same Hydra: nothing to do, no write. To an empty one: then it reads the same."""
    before = run("info", format="event") | {"projects": run("info")["projects"]}
    hydra.requests.clear()
    assert not any(result["changed"] for result in apply(run, before["event"]))
    assert hydra.writes == []
    hydra.database.projects.clear()
    assert all(result["changed"] for result in apply(run, before["event"]))
    after = run("info", format="event") | {"projects": run("info")["projects"]}
    assert (after["event"], after["projects"]) == (before["event"], before["projects"])


def test_event_part(hydra: StandIn, run: Run) -> None:
    run("project", name="nixpkgs", jobsets=[{"name": "release-25.05", "state": "absent"}])
    text = run("info", format="event")["event"]
    assert text.replace(hydra.url, "URL") == (
        "hydra:\n"
        "  url: URL\n"
        "  projects:\n"
        "    _x:\n"
        "      owner: alice\n"
        "      enabled: false\n"
        "    decl:\n"
        "      owner: alice\n"
        "      declarative: {file: spec.json, type: git, value: https://x.org/d.git main}\n"
        "    nixpkgs:\n"
        '      display_name: "Nixpkgs: all of it"\n'
        '      description: "yes"\n'
        '      homepage: "https://nixos.org/?a=b&c#d"\n'
        "      owner: bob\n"
        "      visible: false\n"
        "  jobsets:\n"
        "    nixpkgs:fl:\n"
        "      state: disabled\n"
        "      flake: github:NixOS/hydra/master\n"
        "      check_interval: 90\n"
    )


def test_what_no_event_file_may_say_is_told(hydra: StandIn, run: Run) -> None:
    """The server takes it, and older ones took more."""
    project = hydra.database.projects["nixpkgs"]
    project.jobsets["fl"].columns["keepnr"] = -1
    project.columns["homepage"] = " https://nixos.org"
    hydra.database.projects["decl"].declarative["value"] = ""
    assert run("info", format="event")["warnings"] == [
        f"{mistake}; Hydra has it, an event file may not: correct it on Hydra's page"
        for mistake in (
            "project decl: declarative.value: is missing; write file, type and value; {} for a project that is not"
            " declarative",
            'project nixpkgs: homepage: " https://nixos.org" has blanks at an end, which Hydra drops; remove them',
            "jobset nixpkgs:fl: evaluations_to_keep: -1 is not a number of evaluations; write a whole number from 0 to"
            " 2147483647",
        )
    ]


def test_credentials_are_told_of(run: Run) -> None:
    """They are in the export, or it would not recreate the jobset."""
    run("jobset", project="nixpkgs", name="fl", flake="git+https://bot:hunter2@x.org/a")
    found = run("info", format="event", projects=["nixpkgs"])
    assert found["warnings"] == [
        "jobset nixpkgs:fl: flake holds credentials: keep the export where nobody else reads it"
    ]
    assert "flake: git+https://bot:hunter2@x.org/a\n" in found["event"]


def test_password_that_is_a_word_of_the_data(hydra: StandIn, run: Run) -> None:
    """Ansible masks it wherever it stands, so that what it returned would not be what was read."""
    hydra.database.users["alice"].password = "nixpkgs"
    for form in ("event", "data"):
        refused = run("info", format=form, password="nixpkgs")["msg"]
        assert refused.startswith("the password is also a part of what was read, and Ansible would put asterisks there")
    assert run("info", projects=["_x"], password="nixpkgs")["projects"]


def test_projects_can_be_chosen(hydra: StandIn, run: Run) -> None:
    found = run("info", projects=["_x"])
    assert [project["name"] for project in found["projects"]] == ["_x"]
    assert "project nope does not exist on http://" in run("info", projects=["nope"])["msg"]


def test_latest_evaluations(hydra: StandIn, run: Run) -> None:
    jobset = hydra.database.projects["nixpkgs"].jobsets["fl"]
    for builds in ({"a": 0}, {"a": 0, "b": 1}):
        evaluator.end(hydra.database, jobset, builds)
    found = run("info", projects=["nixpkgs"])["latest_evaluations"]
    assert found["nixpkgs:release-25.05"] is None
    assert (found["nixpkgs:fl"]["id"], found["nixpkgs:fl"]["builds"]) == (2, [2, 3])


def test_private_server(hydra: StandIn, run: Run) -> None:
    hydra.database.private = True
    assert len(run("info")["projects"]) == 3
    refused = run("info", user=None)["msg"]
    assert "was answered 403: This page requires you to sign in. Give username and password, as options or" in refused
