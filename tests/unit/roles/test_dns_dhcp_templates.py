# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What roles dns and dhcp write, compared with golden files: the variables there, through the roles' own templates."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[3]
GOLDEN = CHECKOUT / "tests/golden"
TEMPLATES = {
    "dns": ["knot.conf", "kresd.conf", "tsig.conf"],
    "dhcp": ["kea-dhcp4.conf", "kea-dhcp-ddns.conf", "ddns-keys.json"],
}


def render(role: str, variables: Path, folder: Path) -> None:
    """Write a role's files for a file of variables to C(folder)."""
    (folder / "key.secret").write_text("c2VjcmV0\n")
    task = {
        "name": "Render",
        "ansible.builtin.template": {
            "src": f"{CHECKOUT}/roles/{role}/templates/{{{{ item }}}}.j2",
            "dest": f"{folder}/{{{{ item }}}}",
        },
        "loop": TEMPLATES[role],
    }
    files = [CHECKOUT / "roles" / role / "defaults/main.yml", CHECKOUT / "roles" / role / "vars/main.yml", variables]
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"key_file": str(folder / "key.secret")},
        "vars_files": [str(file) for file in files],
        "tasks": [task],
    }
    (folder / "play.yml").write_text(json.dumps([play]))
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", "-c", "local", "play.yml"],
        cwd=folder,
        env=os.environ
        | {
            "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".cache/collections"),
            "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "variables", sorted(GOLDEN.glob("d[hn]*/*.yml")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_rendered(variables: Path, tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    """Every file of a role, for each file of variables."""
    role = variables.parent.name
    render(role, variables, tmp_path)
    for name in TEMPLATES[role]:
        golden(f"{role}/{variables.stem}/{name}", (tmp_path / name).read_text())


def test_variables_are_specified() -> None:
    """The golden variables are options of the roles."""
    for variables in GOLDEN.glob("d[hn]*/*.yml"):
        specs = yaml.safe_load((CHECKOUT / "roles" / variables.parent.name / "meta/argument_specs.yml").read_text())
        assert set(yaml.safe_load(variables.read_text())) <= set(specs["argument_specs"]["main"]["options"])
