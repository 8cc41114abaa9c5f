"""A small event's promises."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def promises() -> dict[str, Any]:
    """The variables of a client on arena."""
    arena = {
        "cidr": "10.33.0.0/24",
        "pool": {"first": "10.33.0.128", "last": "10.33.0.254"},
        "router": "10.33.0.1",
        "resolvers": ["10.33.0.1"],
        "ntp_servers": ["10.33.0.1"],
        "domain": "arena.example",
        "search": ["arena.example", "example"],
        "reservations": [],
    }
    build = {**arena, "cidr": "10.4.1.0/24", "pool": None, "domain": "build.example"}
    build["reservations"] = [{"host": "saitama", "mac": "02:00:5e:04:01:03", "address": "10.4.1.3"}]
    closed = {"network": "arena", "target": "saitama", "address": "10.4.1.3", "protocol": "tcp", "expected": "closed"}
    return {
        "verify_network": "arena",
        "verify_networks": {"arena": arena, "build": build},
        "verify_names": [
            {"name": "saitama.build.example", "type": "A", "data": ["10.4.1.3"]},
            {"name": "3.1.4.10.in-addr.arpa", "type": "PTR", "data": ["saitama.build.example"]},
        ],
        "verify_access": [
            {**closed, "port": 22, "why": "access.arena does not list build"},
            {**closed, "port": 22, "network": "build", "why": "another network's"},
        ],
        "verify_caches": [
            {
                "name": "cache.example",
                "url": "https://cache.example",
                "networks": ["arena"],
                "backends": [{"host": "saitama"}, {"host": "bigzam"}],
                "upstream": ["https://cache.nixos.org"],
                "trusted_public_keys": ["cache.nixos.org-1:key"],
            }
        ],
        "verify_egress": {"arena": "203.0.113.66"},
        "verify_uplinks": [
            {"host": "ghostgate", "interface": "eth0", "uplink": "venue"},
            {"host": "adamantia", "interface": "ens3", "uplink": "internet"},
        ],
        "verify_router": "ghostgate",
        "verify_foreign_resolvers": ["9.9.9.9"],
        "verify_address_page": "http://address.example/",
        "verify_upstream_closure": "/nix/store/x-hello",
        "verify_failover": True,
    }
