# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half: when it confirms, and what becomes of a host that cannot be reached."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase
from ansible_collections.nixvegas.noc.plugins.action import nftables_ruleset
from ansible_collections.nixvegas.noc.plugins.action.nftables_ruleset import ActionModule

LOST = AnsibleConnectionFailure("timed out")
PENDING = {"changed": True, "diff": ["d"], "confirm_pending": True, "boot_changed": ["f"]}
CONFIRMED = {"changed": True, "warnings": ["kept"]}


class Clock:
    """Time that passes by sleeping, and 10 seconds for each lost connection."""

    now = 0.0

    def monotonic(self) -> float:
        """The present."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self.now += seconds


class NetworkConnection:
    """A connection that can be made anew."""

    resets = 0

    def reset(self) -> None:
        """Drop the connection."""
        self.resets += 1


class LocalConnection:
    """A connection that cannot."""

    reset = ConnectionBase.reset


class Action(ActionModule):  # type: ignore[misc]
    """The action with given answers of the module."""

    def __init__(self, answers: list[Any], connection: Any, *, check: bool = False, **arguments: Any) -> None:
        self._task = SimpleNamespace(args=arguments, check_mode=check, async_val=0)
        self._connection = connection
        self._answers: Iterator[Any] = iter(answers)
        self.phases: list[str] = []
        self.clock = Clock()

    def _module(self, phase: str, task_vars: dict[str, Any]) -> dict[str, Any]:
        self.phases.append(phase)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            self.clock.now += 10
            raise answer
        return dict(answer)


@pytest.fixture(autouse=True)
def _base_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible.plugins.action.ActionBase.run", lambda *_: {})


def run(action: Action, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the action in its own time."""
    monkeypatch.setattr(nftables_ruleset, "time", action.clock)
    return action.run(task_vars={})


def test_no_change_is_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing to confirm, the connection stays."""
    connection = NetworkConnection()
    action = Action([{"changed": False}], connection)
    assert run(action, monkeypatch) == {"changed": False}
    assert (action.phases, connection.resets) == (["apply"], 0)


def test_confirmed_over_a_new_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first run's changes are reported, with the warnings of both."""
    connection = NetworkConnection()
    action = Action([PENDING, CONFIRMED], connection)
    result = run(action, monkeypatch)
    assert result == {
        "changed": True, "diff": ["d"], "boot_changed": ["f"], "confirmed": True, "warnings": ["kept"]
    }  # fmt: skip
    assert (action.phases, connection.resets) == (["apply", "confirm"], 1)


@pytest.mark.parametrize(
    ("connection", "check", "arguments"),
    [
        (LocalConnection(), False, {}),
        (NetworkConnection(), True, {}),
        (NetworkConnection(), False, {"confirm_timeout": 0}),
        (NetworkConnection(), False, {"confirm_timeout": "soon"}),
    ],
)
def test_not_confirmed(monkeypatch: pytest.MonkeyPatch, connection: Any, check: bool, arguments: Any) -> None:
    """In check mode, without a network, or if it is switched off."""
    action = Action([{"changed": True}], connection, check=check, **arguments)
    assert run(action, monkeypatch) == {"changed": True}
    assert action.phases == ["whole"]


def test_a_short_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that succeeds at the second try, in time, confirms."""
    action = Action([PENDING, LOST, CONFIRMED], NetworkConnection())
    assert run(action, monkeypatch)["confirmed"]


def test_rolled_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """It tries until the host has undone the change, and then reports what the host says."""
    undone = {"failed": True, "msg": "put back", "rolled_back": True}
    action = Action([PENDING, LOST, LOST, LOST, undone], NetworkConnection(), confirm_timeout=30)
    assert run(action, monkeypatch) == {**undone, "changed": False, "diff": ["d"]}
    assert action.clock.now > 30


def test_lost_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that stays away after it must have undone the change is unreachable."""
    action = Action([PENDING, *[LOST] * 9], NetworkConnection(), confirm_timeout=10)
    with pytest.raises(AnsibleConnectionFailure, match="cannot be reached any more since the ruleset was applied"):
        run(action, monkeypatch)


def test_lost_while_applying(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host undoes it by itself, and the message says when."""
    with pytest.raises(AnsibleConnectionFailure, match="former tables back within 20 seconds: timed out"):
        run(Action([LOST], NetworkConnection(), confirm_timeout=20), monkeypatch)


def test_failed_while_applying(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the module refuses is not confirmed."""
    action = Action([{"failed": True, "msg": "line 3"}], NetworkConnection())
    assert run(action, monkeypatch)["msg"] == "line 3"
    assert action.phases == ["apply"]
