"""The questions of the event's own hosts, and those while the tunnel is down."""

from __future__ import annotations

from typing import Any

from ansible_collections.nixvegas.noc.plugins.plugin_utils.verify import host, tunnel


def test_a_cache_host(promises: dict[str, Any]) -> None:
    """Its reserved address, and upstream's closure with upstream's key."""
    address, closure = host.host_probes(promises, "saitama")
    assert (address["mac"], address["expected"]) == ("02:00:5e:04:01:03", ["10.4.1.3"])
    assert (closure["substituters"], closure["delete"]) == (["https://cache.nixos.org"], False)


def test_other_hosts(promises: dict[str, Any]) -> None:
    """A host without reservation or cache is asked nothing; without closure no cache host fetches one."""
    assert host.host_probes(promises, "genos") == []
    del promises["verify_upstream_closure"]
    assert [p["kind"] for p in host.host_probes(promises, "bigzam")] == []


def test_the_capture_watches_the_routers_uplinks(promises: dict[str, Any]) -> None:
    """Its own, for all networks that leave through a tunnel."""
    (probe,) = tunnel.capture_probes(promises)
    assert (probe["uplinks"], probe["clients"]) == (["eth0"], ["10.33.0.0/24"])
    assert [p["kind"] for p in tunnel.watch_probes(promises)] == ["watch"]


def test_clients_try_every_way(promises: dict[str, Any]) -> None:
    """TCP, UDP, ICMP and names; nothing of it may succeed."""
    tries = tunnel.tries(promises)
    assert {p.get("protocol") for p in tries} == {"tcp", "udp", "icmp"}
    assert all(p.get("expected", []) in ([], ["closed"]) for p in tries)
    names = [p["name"] for p in tries if p["kind"] == "resolve"]
    assert len(set(names)) == len(names)
    assert all(name.startswith(tunnel.MARKER) for name in names)


def test_a_network_without_exit_does_not_try(promises: dict[str, Any]) -> None:
    """It has no tunnel."""
    promises["verify_network"] = "build"
    assert tunnel.tries(promises) == []
