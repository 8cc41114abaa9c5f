# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook of the controller's secrets in check mode, run by Ansible itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.skipif(not shutil.which("nebula-cert"), reason="nebula-cert is not installed")


def play(folder: Path, *arguments: str, **variables: object) -> str:
    """What ansible-playbook says of a small event's secrets."""
    secrets = {
        "secrets_dir": str(folder),
        "secrets_nebula_ca": {"name": "test", "days": 90},
        "secrets_certificates": [{"name": "cache.example.org"}],
        "secrets_tsig_keys": ["update"],
        "secrets_nix_keys": [{"file": "cache", "name": "cache-1"}],
    }
    inventory = folder.parent / "hosts.yml"
    inventory.write_text("managed: {hosts: {somewhere: }}\n", encoding="utf-8")
    command = [Path(sys.executable).parent / "ansible-playbook", "-i", inventory, "playbooks/secrets.yml"]
    done = subprocess.run(
        [*command, "-e", json.dumps(secrets | variables), *arguments],
        cwd=CHECKOUT,
        env=os.environ | {"ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Mode and content of every file."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.stat().st_mode, path.read_bytes()) for path in files}


def test_check_mode_makes_what_is_missing_and_renews_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    play(folder, "--check")
    made = contents(folder)
    assert sorted(made) == [
        "nebula/ca.crt",
        "nebula/ca.key",
        "nix/cache.key",
        "nix/cache.pub",
        "tls/ca.crt",
        "tls/ca.key",
        "tls/cache.example.org.crt",
        "tls/cache.example.org.key",
        "tsig/update.secret",
    ]
    # A certificate of 397 days is always within a window of 400.
    renewals = {"secrets_renew_nebula_ca": True, "__secrets_certificate_renew_before": 400}
    assert "changed=2 " in play(folder, "--check", **renewals)
    assert contents(folder) == made
    play(folder, **renewals)
    renewed = contents(folder)
    assert len(renewed) == len(made) + 2
    assert {name for name in made if renewed[name] != made[name]} == {
        "nebula/ca.crt",
        "nebula/ca.key",
        "tls/cache.example.org.crt",
    }
