"""The questions of a client."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.nixvegas.noc.plugins.plugin_utils.verify import client


def kinds(probes: list[dict[str, Any]]) -> dict[str, int]:
    """How many questions there are of each kind."""
    return {kind: sum(p["kind"] == kind for p in probes) for kind in sorted({p["kind"] for p in probes})}


def test_all_questions(promises: dict[str, Any]) -> None:
    """Every part of the proof is asked for."""
    assert kinds(client.client_probes(promises, "PEM")) == {
        "http": 2,  # the cache, the internet
        "lease": 5,
        "nix_realise": 1,
        "ntp": 2,  # the router, somebody outside
        "own_name": 2,
        "reach": 1,  # only this network's
        "resolve": 4,  # forward, reverse, and a foreign resolver by UDP and TCP
    }


def test_a_network_without_pool_has_no_lease(promises: dict[str, Any]) -> None:
    """Nothing is leased there."""
    promises["verify_network"] = "build"
    assert "lease" not in kinds(client.client_probes(promises))


@pytest.mark.parametrize("variable", ["verify_address_page", "verify_upstream_closure"])
def test_a_question_waits_for_its_variable(promises: dict[str, Any], variable: str) -> None:
    """Without it, it is not asked."""
    before = len(client.client_probes(promises))
    del promises[variable]
    assert len(client.client_probes(promises)) == before - 1


def test_the_closure_comes_from_the_cache_alone(promises: dict[str, Any]) -> None:
    """One substituter, no key but upstream's."""
    probe = next(p for p in client.client_probes(promises, "PEM") if p["kind"] == "nix_realise")
    assert probe["substituters"] == probe["expected"] == ["https://cache.example"]
    assert probe["trusted_public_keys"] == ["cache.nixos.org-1:key"]
    assert probe["expect"] == "all from https://cache.example, signed by cache.nixos.org-1"


def test_a_name_published_to_others_is_refused(promises: dict[str, Any]) -> None:
    """Where the port is open because of another name; elsewhere the closed port says it."""
    others = {**promises["verify_caches"][0], "url": "https://other.example", "networks": ["build"]}
    promises["verify_caches"].append(others)
    asked = [(p["url"], p["status"]) for p in client.client_probes(promises) if "status" in p]
    assert asked == [("https://other.example/nix-cache-info", 403)]
    others["networks"] = ["arena"]
    promises["verify_network"] = "build"
    assert not [p for p in client.client_probes(promises) if "status" in p]


def test_failover(promises: dict[str, Any]) -> None:
    """Only where another server takes over."""
    assert [p["kind"] for p in client.failover_probes(promises)] == ["http", "nix_realise"]
    assert client.first_servers(promises) == ["saitama"]
    promises["verify_caches"][0]["backends"].pop()
    assert client.failover_probes(promises) == []
    assert client.first_servers(promises) == []


def test_recovery_waits(promises: dict[str, Any]) -> None:
    """A tunnel needs some seconds."""
    assert [p["wait"] for p in client.recovery_probes(promises)] == [client.RECOVERY]
    del promises["verify_egress"]["arena"]
    assert client.recovery_probes(promises) == []


def test_an_unknown_network(promises: dict[str, Any]) -> None:
    """What is wrong and what would be right."""
    promises["verify_network"] = "area"
    with pytest.raises(client.VerifyError, match=r"'area' is not a network of the event.*arena, build"):
        client.client_probes(promises)
