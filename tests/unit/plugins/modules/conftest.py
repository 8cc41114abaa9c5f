# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Hydra for the tests of the hydra_* modules, and a way to run them on it."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra import client
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.server import StandIn, running
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.state import Database, people

Result = dict[str, Any]
Run = Callable[..., Result]
FLAKE: dict[str, Any] = {"project": "demo", "name": "fl", "flake": "github:NixOS/hydra/master"}
LEGACY: dict[str, Any] = {
    "project": "demo",
    "name": "leg",
    "nix_expression": "release.nix",
    "nix_expression_input": "src",
    "check_interval": "5m",
    "inputs": {"src": {"type": "git", "value": "https://git.example.org/a.git main"}},
}
PASSWORD = "correct horse battery staple"


def database(**settings: bool) -> Database:
    """An empty Hydra whose people have a password worth keeping."""
    found = people()
    for user in found.values():
        user.password = PASSWORD
    return Database(found, **settings)


@pytest.fixture
def hydra(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """An empty Hydra that runs; reads are repeated without long pauses."""
    monkeypatch.setattr(client, "PAUSES", (0.01, 0.01))
    with running(database()) as stand_in:
        yield stand_in


@pytest.fixture
def run(hydra: StandIn, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """A function that runs a module as alice, the administrator, and returns its result. No output shows the password,
    nor the invocation who signs in."""

    warnings: list[str] = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda _module, warning: warnings.append(warning))

    def run_module(name: str, /, *, check: bool = False, user: str | None = "alice", **arguments: Any) -> Result:
        module = importlib.import_module(f"ansible_collections.nixvegas.noc.plugins.modules.hydra_{name}")
        warnings.clear()
        login = {"username": user, "password": PASSWORD} if user else {}
        given = {"url": hydra.url, "_ansible_check_mode": check, "_ansible_diff": True, **login, **arguments}
        with patch_module_args(given), pytest.raises(SystemExit):
            module.main()
        output = capsys.readouterr().out
        assert PASSWORD not in output
        assert PASSWORD not in str(warnings)
        result: Result = json.loads(output) | {"warnings": list(warnings)}
        assert result["invocation"]["module_args"].get("username") in ("VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", None)
        assert not result.get("exception")
        return result

    return run_module


@pytest.fixture
def demo(hydra: StandIn, run: Run) -> None:
    """An empty project, before the requests are counted."""
    run("project", name="demo")
    hydra.requests.clear()
