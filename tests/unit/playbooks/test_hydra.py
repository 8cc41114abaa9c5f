# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook and all modules, run by Ansible itself against the stand-in, as the guide docs/hydra.md does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.server import StandIn, running
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.state import Database, people

CHECKOUT = Path(__file__).resolve().parents[3]
PASSWORD = "correct horse battery staple"
PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars: {{ansible_python_interpreter: "{{{{ ansible_playbook_python }}}}"}}
  tasks:
    - nixvegas.noc.hydra_jobset: {{project: nixpkgs, name: once, flake: "github:example/once", state: one_shot}}
    - nixvegas.noc.hydra_evaluation: {{project: nixpkgs, jobset: once, wait: none}}
    - nixvegas.noc.hydra_info: {{format: event}}
      register: found
    - ansible.builtin.copy: {{content: "{{{{ found.event }}}}", dest: "{part}", mode: "0644"}}
"""


@pytest.fixture
def hydra() -> Iterator[StandIn]:
    """A Hydra where the example event's owner is known."""
    users = people()
    users["alice"].password = PASSWORD
    users["numinit"] = users["bob"]
    with running(Database(users)) as stand_in:
        yield stand_in


def ansible(hydra: StandIn, *arguments: str | Path) -> str:
    """What ansible-playbook says, at its most talkative; never the password."""
    command = [Path(sys.executable).parent / "ansible-playbook", "-vvv", *arguments]
    environment = os.environ | {
        "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
        "NO_COLOR": "1",
        "HYDRA_URL": hydra.url,
        "HYDRA_USERNAME": "alice",
        "HYDRA_PASSWORD": PASSWORD,
    }
    done = subprocess.run(
        command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert PASSWORD not in done.stdout + done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def changed(output: str) -> int:
    """How many tasks changed something."""
    return int(re.findall(r"changed=(\d+)", output)[-1])


def test_guide(hydra: StandIn, tmp_path: Path) -> None:
    """Check, apply, nothing left to do; change by hand, export, and nothing left to do with the export."""
    event = (CHECKOUT / "inventories/dc33/event.yml").read_text(encoding="utf-8")
    inventory = tmp_path / "event.yml"
    inventory.write_text(re.sub(r"http://saitama\S*", hydra.url, event), encoding="utf-8")
    playbook = ["playbooks/hydra.yml", "-i", inventory]
    foretold = ansible(hydra, *playbook, "--check", "--diff")
    assert changed(foretold) == 1
    assert "+check_interval: 1h" in foretold
    assert hydra.writes == []
    assert changed(ansible(hydra, *playbook)) == 1
    assert changed(ansible(hydra, *playbook)) == 0
    assert len(hydra.writes) == 3

    part, play = tmp_path / "part.yml", tmp_path / "play.yml"
    play.write_text(PLAY.format(part=part), encoding="utf-8")
    assert changed(ansible(hydra, play)) == 3
    text = part.read_text(encoding="utf-8")
    assert "    nixpkgs:once:\n      state: one_shot\n      flake: github:example/once\n" in text
    inventory.write_text(event.partition("\nhydra:")[0] + "\n" + text, encoding="utf-8")
    before = list(hydra.writes)
    assert changed(ansible(hydra, *playbook)) == 0
    assert hydra.writes == before


def test_event_without_a_hydra(hydra: StandIn, tmp_path: Path) -> None:
    event = (CHECKOUT / "inventories/dc33/event.yml").read_text(encoding="utf-8")
    inventory = tmp_path / "event.yml"
    inventory.write_text(event.partition("\nhydra:")[0] + "\n", encoding="utf-8")
    assert changed(ansible(hydra, "playbooks/hydra.yml", "-i", inventory)) == 0
    assert hydra.requests == []
