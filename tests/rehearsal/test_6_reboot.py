"""The router comes back by itself."""

from __future__ import annotations

from .harness import EVENT, Rehearsal


def test_reboot(rehearsal: Rehearsal) -> None:
    """Rules, names that DHCP gave, routes and services are there again; nothing is left to do."""
    rules = rehearsal.shell("ghostgate", "nft --stateless list ruleset")
    rehearsal.command("reboot", str(EVENT), "ghostgate")
    assert rehearsal.shell("ghostgate", "nft --stateless list ruleset") == rules
    dynamic = rehearsal.shell("ghostgate", "kdig +short @127.0.0.53 -p 5353 laptop.arena.dc.nixos.lv")
    assert dynamic.startswith("10.33.0.")
    assert rehearsal.playbook("site", "--limit", "ghostgate").changed == {}


def test_clients_notice_nothing(rehearsal: Rehearsal) -> None:
    """They are served as before."""
    rehearsal.playbook("verify", "-e", "verify_failover=false")
