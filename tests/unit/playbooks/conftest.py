# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A badge table; and Hydra's playbooks, run by Ansible itself against the stand-in.

Every run of Hydra's is at Ansible's most talkative, and nothing it says may hold the password, the name of who signs
in, or credentials of a URL.
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
from ansible_collections.nixvegas.noc.tests.badge_simulator import slots
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.server import StandIn, running
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.state import Database, User, people

from .badge_table import SLOTS, Table

CHECKOUT = Path(__file__).resolve().parents[3]
USERNAME = "quartermaster"
PASSWORD = "correct horse battery staple"
CREDENTIALS = "hunter2"
EVENT = (CHECKOUT / "inventories/dc33/event.yml").read_text(encoding="utf-8")


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


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    """A table whose slots are empty."""
    with slots(tmp_path, SLOTS) as made:
        yield Table(tmp_path, made)
