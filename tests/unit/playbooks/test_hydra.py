# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guide docs/hydra.md, and the round trip: read, apply, read again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ansible_collections.nixvegas.noc.tests.hydra_stand_in.server import StandIn, running
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.state import Database

from .conftest import EVENT, ansible, as_part, changed, database, inventory

PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  tasks:
    - nixvegas.noc.hydra_jobset: {project: nixpkgs, name: once, flake: "github:example/once", state: one_shot}
    - nixvegas.noc.hydra_evaluation: {project: nixpkgs, jobset: once, wait: none}
"""
TEXTS = [
    "no",
    "5",
    " blanks ",
    "",
    "a: b",
    "x # y",
    "- z",
    "{a}",
    "ü ☃",
    'q"uote',
    "new\nline",
    "{{ 1 + 1 }}",
    "{% raw",
]
AWKWARD: dict[str, Any] = {
    "projects": {
        "nixpkgs": {"display_name": "Nixpkgs: all", "description": "yes", "owner": "bob", "visible": False},
        "_x": {"owner": "alice", "enabled": False, "homepage": "https://example.org/?a=b&c#d"},
        "decl": {"owner": "alice", "declarative": {"file": "s.json", "type": "git", "value": "https://x.org/d main"}},
    },
    "jobsets": {
        "nixpkgs:release-25.05": {
            "state": "one_at_a_time",
            "visible": False,
            "nix_expression": "nixos/release.nix",
            "nix_expression_input": "nixpkgs",
            "check_interval": "90m",
            "scheduling_shares": 100,
            "evaluations_to_keep": 3,
            "email_notification": True,
            "email_override": "ops@example.org",
            "inputs": {
                "nixpkgs": {"type": "git", "value": "https://x.org/n.git main", "notify_committers": True},
                "flag": {"type": "boolean", "value": True},
                "other": {"type": "build", "value": "nixpkgs:fl:hello"},
                **{f"s{number}": {"type": "string", "value": text} for number, text in enumerate(TEXTS)},
            },
        },
        "nixpkgs:fl": {"flake": "github:NixOS/hydra/master", "check_interval": 90, "state": "disabled"},
        "_x:once": {"flake": "github:NixOS/hydra/master?dir=a&b=c", "state": "one_shot", "description": "it's"},
    },
}


def exported(url: str, folder: Path) -> str:
    """What the export playbook writes."""
    file = folder / "exported.yml"
    output = ansible(url, "playbooks/hydra_export.yml", "-e", f"hydra_export_file={file}")
    assert "[WARNING]: project" not in output
    assert file.stat().st_mode & 0o777 == 0o600
    return file.read_text(encoding="utf-8")


def kept(found: Database) -> dict[str, Any]:
    """Everything that projects and jobsets are, but for the times of evaluations."""
    return {
        name: (
            project.columns,
            project.declarative,
            {
                jobset.name: ({k: v for k, v in jobset.columns.items() if not k.endswith("time")}, jobset.inputs)
                for jobset in project.jobsets.values()
            },
        )
        for name, project in found.projects.items()
    }


def test_guide(hydra: StandIn, tmp_path: Path) -> None:
    """Check, apply, nothing left to do; change by hand, export, and nothing left to do with the export."""
    playbook = inventory(tmp_path, re.sub(r"http://saitama\S*", hydra.url, "hydra:" + EVENT.partition("\nhydra:")[2]))
    foretold = ansible(hydra.url, *playbook, "--check", "--diff")
    assert changed(foretold) == 1
    assert "+check_interval: 1h" in foretold
    assert hydra.writes == []
    assert changed(ansible(hydra.url, *playbook)) == 1
    assert changed(ansible(hydra.url, *playbook)) == 0
    assert len(hydra.writes) == 3

    play = tmp_path / "play.yml"
    play.write_text(PLAY, encoding="utf-8")
    assert changed(ansible(hydra.url, play)) == 2
    text = exported(hydra.url, tmp_path)
    assert "    nixpkgs:once:\n      state: one_shot\n      flake: github:example/once\n" in text
    before = list(hydra.writes)
    assert changed(ansible(hydra.url, *inventory(tmp_path, text))) == 0
    assert hydra.writes == before


def test_round_trip(hydra: StandIn, tmp_path: Path) -> None:
    """Read, apply to an empty Hydra, read again: the same. Apply to the same one: no change, no write request."""
    ansible(hydra.url, *inventory(tmp_path, as_part(hydra.url, AWKWARD)))
    part = exported(hydra.url, tmp_path)
    with running(database()) as empty:
        other = part.replace(hydra.url, empty.url)
        assert changed(ansible(empty.url, *inventory(tmp_path, other))) == 1
        assert exported(empty.url, tmp_path) == other
        assert kept(empty.database) == kept(hydra.database)
        for stand_in, text in ((hydra, part), (empty, other)):
            before = list(stand_in.writes)
            assert changed(ansible(stand_in.url, *inventory(tmp_path, text))) == 0
            assert stand_in.writes == before


def test_round_trip_of_nothing(hydra: StandIn, tmp_path: Path) -> None:
    part = exported(hydra.url, tmp_path)
    assert changed(ansible(hydra.url, *inventory(tmp_path, part))) == 0
    assert exported(hydra.url, tmp_path) == part == f"hydra:\n  url: {hydra.url}\n  projects: {{}}\n"


def test_event_without_a_hydra(hydra: StandIn, tmp_path: Path) -> None:
    assert changed(ansible(hydra.url, *inventory(tmp_path, ""))) == 0
    assert hydra.requests == []
