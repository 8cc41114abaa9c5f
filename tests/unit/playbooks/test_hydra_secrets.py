# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Hydra's playbook says at its most talkative, also where it fails, holds no secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nixvegas.noc.tests.hydra_stand_in import server
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.answers import page
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.server import CUT_BEFORE, StandIn

from .conftest import CREDENTIALS, PASSWORD, USERNAME, ansible, as_part, inventory

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
