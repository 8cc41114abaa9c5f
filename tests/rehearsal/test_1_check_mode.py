"""`--check --diff` before anything was configured: it works, shows what would happen, and does nothing."""

from __future__ import annotations

import pytest

from .harness import HOSTS, Rehearsal, Run

# Of every host: what is listening and running, what is configured, what the kernel was told.
STATE = """
systemctl list-units --no-legend --plain --state=running --type=service | cut -d' ' -f1 | grep -v ^user
find /etc /usr/local -newer /etc/hostname -type f -printf '%p %s\\n' | sort
nft list ruleset || true
ip rule
ip route show table all | sort
"""


def check(rehearsal: Rehearsal) -> Run:
    """A check run of the whole site, as a careful crew starts."""
    return rehearsal.playbook("site", "--check", "--diff")


def test_on_bare_hosts(rehearsal: Rehearsal) -> None:
    """Hosts that have none of the packages."""
    rehearsal.put_up("--bare")
    recap = check(rehearsal).recap
    assert set(recap) >= HOSTS
    assert all(counts["changed"] for host, counts in recap.items() if host in HOSTS)


def test_on_freshly_booted_hosts(rehearsal: Rehearsal) -> None:
    """Hosts with all packages and nothing configured; nothing changes on them."""
    rehearsal.put_up("--no-site")
    before = {host: set(rehearsal.shell(host, STATE).splitlines()) for host in ("ghostgate", "saitama")}
    run = check(rehearsal)
    assert set(run.recap) >= HOSTS
    for host, lines in before.items():
        assert set(rehearsal.shell(host, STATE).splitlines()) ^ lines == set(), host


@pytest.mark.parametrize(
    "shown",
    ["/etc/knot/knot.conf", "/etc/kea/kea-dhcp4.conf", "nixvegas", "203.0.113.66", "systemd/network/10-eth1.network"],
)
def test_what_would_happen_is_shown(rehearsal: Rehearsal, shown: str) -> None:
    """The files, the rules and the addresses to come."""
    logs = sorted(rehearsal.records.glob("*.log"))
    assert any(shown in log.read_text() for log in logs)
