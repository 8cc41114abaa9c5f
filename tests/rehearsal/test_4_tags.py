"""`--tags dns` is the dns role and nothing else."""

from __future__ import annotations

import re

from .harness import Rehearsal


def test_listed(rehearsal: Rehearsal) -> None:
    """As `--list-tasks` says."""
    output = rehearsal.playbook("site", "--tags", "dns", "--list-tasks").output
    assert set(re.findall(r"^ {6}(\S.*?)\s+TAGS:", output, re.MULTILINE)) == {"Apply dns"}


def test_tasks(rehearsal: Rehearsal) -> None:
    """As run: no other role's task, not even on the controller."""
    names = {task.name for task in rehearsal.tasks("site", "--tags", "dns")}
    assert "nixvegas.noc.dns : Keep the zones" in names
    assert [name for name in names if name != "Apply dns" and not name.startswith("nixvegas.noc.dns : ")] == []


def test_hosts(rehearsal: Rehearsal) -> None:
    """As the hosts see it: only those with a name server, and few modules."""
    run = rehearsal.playbook("site", "--tags", "dns")
    assert set(run.modules) == {"ghostgate", "adamantia"}
    assert run.modules["ghostgate"] <= 3
