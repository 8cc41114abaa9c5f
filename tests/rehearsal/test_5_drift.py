"""What a hand changed on a host: check mode names just that, a run puts back just that, the next finds nothing."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from .harness import Rehearsal, Task


@dataclass(frozen=True)
class Drift:
    """Something done by hand."""

    name: str
    tag: str
    by_hand: str
    named: str  # what the diff says
    whole: str  # a command that succeeds when all is as it should be


DRIFTS = [
    Drift(
        "a file edited",
        "ntp",
        "echo '# by hand' >> /etc/chrony/chrony.conf",
        "# by hand",
        "! grep -q 'by hand' /etc/chrony/chrony.conf",
    ),
    Drift(
        "a service stopped",
        "dhcp",
        "systemctl stop kea-dhcp4-server.service",
        "kea-dhcp4-server",
        "systemctl is-active kea-dhcp4-server.service",
    ),
    Drift(
        "a route deleted",
        "network",
        "ip route del default dev nebula1 table 100",
        "route 0.0.0.0/0 in table 100 is missing on nebula1",
        "ip route show table 100 | grep -q '^default dev nebula1'",
    ),
    Drift(
        "a ruleset flushed",
        "firewall",
        "nft flush ruleset",
        "drop",
        "nft list ruleset | grep -q 'policy drop'",
    ),
    Drift(
        "a zone's record removed",
        "dns",
        "knotc zone-begin dc.nixos.lv; knotc zone-unset dc.nixos.lv saitama.build; knotc zone-commit dc.nixos.lv",
        "saitama.build",
        "kdig +short @10.4.1.1 saitama.build.dc.nixos.lv | grep -qx 10.4.1.3",
    ),
]


def changes(tasks: list[Task]) -> list[Task]:
    """The tasks that changed something."""
    return [task for task in tasks if task.result.get("changed")]


@pytest.mark.parametrize("drift", DRIFTS, ids=lambda drift: drift.name)
def test_drift(rehearsal: Rehearsal, drift: Drift) -> None:
    """Named, put back, gone."""
    options = ("--limit", "ghostgate", "--tags", drift.tag)
    rehearsal.shell("ghostgate", drift.by_hand)
    (named,) = changes(rehearsal.tasks("site", *options, "--check", "--diff"))
    assert drift.named in str(named.result["diff"])
    (repaired,) = changes(rehearsal.tasks("site", *options, "--diff"))
    assert repaired.name == named.name
    rehearsal.shell("ghostgate", drift.whole)
    assert changes(rehearsal.tasks("site", *options)) == []


def test_nothing_else_drifted(rehearsal: Rehearsal) -> None:
    """The repairs left the rest of the router alone."""
    assert rehearsal.playbook("site", "--limit", "ghostgate").changed == {}
