"""`--tags dns` is the dns role and nothing else."""

from __future__ import annotations

import re

from .harness import Rehearsal

# Ansible itself runs these whatever the tags; they read the role's variables on the controller and touch no host.
VALIDATION = "Validating arguments against arg spec"


def test_listed(rehearsal: Rehearsal) -> None:
    """As `--list-tasks` says."""
    output = rehearsal.playbook("site", "--tags", "dns", "--list-tasks").output
    tasks = re.findall(r"^ {6}(\S.*?)\s+TAGS:", output, re.MULTILINE)
    assert tasks
    assert [task for task in tasks if not task.startswith("nixvegas.noc.dns : ") and VALIDATION not in task] == []


def test_run(rehearsal: Rehearsal) -> None:
    """As the hosts see it: only those with a name server, and only its modules."""
    run = rehearsal.playbook("site", "--tags", "dns")
    assert set(run.modules) == {"ghostgate", "adamantia"}
    assert run.modules["ghostgate"] <= 4
