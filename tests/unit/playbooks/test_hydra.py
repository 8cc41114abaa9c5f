# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks and all modules, run by Ansible itself against the stand-in, as the guide docs/hydra.md does.

Every run is at Ansible's most talkative, and nothing it says may hold the password, the name of who signs in, or
credentials of a URL.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nixvegas.noc.tests.hydra_stand_in import server
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.answers import page
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.server import CUT_BEFORE, StandIn, running
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.state import Database, User, people

CHECKOUT = Path(__file__).resolve().parents[3]
USERNAME = "quartermaster"
PASSWORD = "correct horse battery staple"
CREDENTIALS = "hunter2"
EVENT = (CHECKOUT / "inventories/dc33/event.yml").read_text(encoding="utf-8")
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


def database() -> Database:
    """A Hydra where the example event's owner is known, and an administrator of a name that stands nowhere else."""
    users = people()
    users[USERNAME] = User(USERNAME, PASSWORD, "Quinn", "quinn@example.org", ("admin",))
    users["numinit"] = users["bob"]
    return Database(users)


@pytest.fixture
def hydra() -> Iterator[StandIn]:
    """A Hydra without projects."""
    with running(database()) as stand_in:
        yield stand_in


def ansible(url: str, *arguments: str | Path, works: bool = True, **environment: str) -> str:
    """What ansible-playbook says; `works`: whether it must succeed or fail."""
    command = [Path(sys.executable).parent / "ansible-playbook", "-vvv", *arguments]
    variables = {
        "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
        "NO_COLOR": "1",
        "HYDRA_URL": url,
        "HYDRA_USERNAME": USERNAME,
        "HYDRA_PASSWORD": PASSWORD,
    }
    done = subprocess.run(
        command,
        cwd=CHECKOUT,
        env=os.environ | variables | environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    output = done.stdout + done.stderr
    for secret in (PASSWORD, USERNAME, CREDENTIALS):
        assert secret not in output
    assert (done.returncode == 0) is works, output
    return output


def changed(output: str) -> int:
    """How many tasks changed something."""
    return int(re.findall(r"changed=(\d+)", output)[-1])


def inventory(folder: Path, part: str) -> list[str | Path]:
    """The playbook's arguments for the example event with another key `hydra`."""
    file = folder / "event.yml"
    file.write_text(f"{EVENT.partition(chr(10) + 'hydra:')[0]}\n{part}\n", encoding="utf-8")
    return ["playbooks/hydra.yml", "-i", file]


def as_part(url: str, hydra: dict[str, Any]) -> str:
    """The key `hydra` of an event file. JSON is YAML too."""
    return f"hydra: {json.dumps({'url': url, **hydra})}"


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


SECRETIVE: dict[str, Any] = {
    "projects": {"nixpkgs": {"owner": "alice", "homepage": f"https://{CREDENTIALS}@x.org/"}},
    "jobsets": {
        "nixpkgs:fl": {"flake": f"git+https://bot:{CREDENTIALS}@x.org/a?ref=main"},
        "nixpkgs:leg": {
            "nix_expression": "release.nix",
            "nix_expression_input": "src",
            "inputs": {"src": {"type": "git", "value": f"https://bot:a/@{CREDENTIALS}@x.org/a.git main"}},
        },
    },
}


def test_credentials_in_urls(hydra: StandIn, tmp_path: Path) -> None:
    """In check mode, when they are applied, when they change."""
    playbook = inventory(tmp_path, as_part(hydra.url, SECRETIVE))
    assert "https://***@x.org/a.git main" in ansible(hydra.url, *playbook, "--check", "--diff")
    ansible(hydra.url, *playbook, "--diff")
    hydra.database.projects["nixpkgs"].jobsets["fl"].columns["flake"] = "git+https://bot:other@x.org/a?ref=main"
    changes = ansible(hydra.url, *playbook, "--diff")
    assert "+flake: git+https://***@x.org/a?ref=main (credentials after)" in changes
    assert "other@" not in changes


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ("password", "Bad username or password"),
        ("role", "Creating projects needs the role create-projects or admin"),
        ("401", "was answered 401: an HTML page"),
        ("cut", "got no answer"),
        ("closed", "Connection refused"),
        ("input", 'inputs.src.value: "https://***@x.org/a.git main" has blanks at an end'),
        ("option", "Unsupported parameters"),
        ("type", "nix_expression_input: ["),
    ],
)
def test_failures_show_no_secret(
    hydra: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: str, words: str
) -> None:
    """Of who signs in or of a URL."""
    url, environment, more = hydra.url, {}, {}
    if failure == "password":
        environment = {"HYDRA_PASSWORD": "stale password"}
    if failure == "role":
        hydra.database.users[USERNAME].roles = ()
    if failure == "401":
        monkeypatch.setattr(server, "answer", lambda *_: page(401, f"401 {USERNAME}:{PASSWORD} may not"))
    if failure == "cut":
        hydra.fault = lambda *_: CUT_BEFORE
    if failure == "closed":
        url = "http://127.0.0.1:1"
    if failure == "option":
        more = {"nosuch": f"https://{CREDENTIALS}@x.org"}
    if failure == "type":
        more = {"jobsets": [{"name": "a", "nix_expression_input": [f"https://{CREDENTIALS}@x.org"]}]}
    part = as_part(url, SECRETIVE)
    if failure == "role":
        part = part.replace('"owner": "alice", ', "")
    if failure == "input":
        part = part.replace('a.git main"', 'a.git main "')
    overridden = tmp_path / "host_vars/localhost.yml"
    overridden.parent.mkdir()
    if more:
        project = {"name": "nixpkgs", **more}
        overridden.write_text(json.dumps({"hydra_projects": [project]}), encoding="utf-8")
    output = ansible(url, *inventory(tmp_path, part), "--diff", works=False, **environment)
    assert words in output
    assert "stale password" not in output
