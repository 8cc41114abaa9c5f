"""The whole site, twice: everything comes up, and the second run has nothing to do, quickly."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .harness import EVENT, Rehearsal, Run

ROUTER_LIMIT = 20


@pytest.fixture(scope="module")
def second_run(rehearsal: Rehearsal) -> Run:
    """A run with nothing to do."""
    return rehearsal.playbook("site", "--diff")


def test_first_run(rehearsal: Rehearsal, say: Callable[[str], None]) -> None:
    """Nothing fails; clients get their cables afterwards."""
    run = rehearsal.command("site", str(EVENT), "--", "--diff", "-v")
    assert set(run.recap) >= {"ghostgate", "saitama", "adamantia"}
    say(f"first run of site.yml: {run.seconds:.0f} s")


def test_second_run_changes_nothing(second_run: Run) -> None:
    """Not on one host."""
    assert second_run.changed == {}, second_run.output[-6000:]
    assert all(counts["unreachable"] == counts["failed"] == 0 for counts in second_run.recap.values())


def test_module_runs(second_run: Run, say: Callable[[str], None]) -> None:
    """What a run with nothing to do costs on each host."""
    say("module runs of a run with nothing to do: " + ", ".join(f"{h} {n}" for h, n in second_run.modules.items()))
    assert second_run.modules["ghostgate"] <= ROUTER_LIMIT


def test_time(rehearsal: Rehearsal, second_run: Run, say: Callable[[str], None]) -> None:
    """Its time, as a ratio to the least that Ansible can do on all hosts."""
    ping = rehearsal.ansible("ansible", "managed", "-m", "ansible.builtin.ping")
    ratio = second_run.seconds / ping.seconds
    say(f"a run with nothing to do: {second_run.seconds:.1f} s, {ratio:.1f} times a ping of all hosts")
