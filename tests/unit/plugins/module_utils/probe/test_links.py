"""Leases and addresses, from what systemd-networkd and the kernel tell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.probe import links
from ansible_collections.nixvegas.noc.plugins.module_utils.probe.model import NotAskedError

NETWORKCTL = Path(__file__).with_name("networkctl.json").read_text()


def test_leases_are_read() -> None:
    """Each field has DHCP's values only, in their order."""
    assert links.leases(json.loads(NETWORKCTL)) == [
        {
            "address": ["10.33.0.128"],
            "router": ["10.33.0.1"],
            "dns": ["10.33.0.1"],
            "ntp": ["10.33.0.1"],
            "search": ["arena.dc.nixos.lv", "dc.nixos.lv"],
        }
    ]


@pytest.mark.parametrize(
    ("field", "expected", "seen", "right"),
    [
        ("address", ["10.33.0.128", "10.33.0.254"], ["10.33.0.254"], True),
        ("address", ["10.33.0.128", "10.33.0.254"], ["10.33.0.127"], False),
        ("address", ["10.33.0.5"], ["10.33.0.5"], True),
        ("dns", ["10.33.0.1"], ["10.33.0.1"], True),
        ("dns", ["10.33.0.1"], ["10.33.0.1", "9.9.9.9"], False),
        ("dns", ["10.33.0.1"], [], False),
        ("search", ["a.example", "example"], ["a.example", "a.example", "example"], True),
        ("search", ["a.example", "example"], ["example", "a.example"], False),
    ],
)
def test_a_field_is_compared(field: str, expected: list[str], seen: list[str], right: bool) -> None:
    """Addresses by range, lists in order."""
    assert links.matches(field, expected, seen) is right


def test_a_client_without_a_lease_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing leased is a reason, not a crash."""
    answer = type("Answer", (), {"stdout": '{"Interfaces": []}'})
    monkeypatch.setattr(links, "run", lambda *_: answer)
    with pytest.raises(NotAskedError, match="no lease"):
        links.lease_in("10.33.0.0/24", 1)


def test_addresses_of_a_mac() -> None:
    """Global addresses of the interface, whatever the MAC's spelling."""
    described = [
        {
            "address": "02:00:5e:04:01:03",
            "addr_info": [
                {"family": "inet", "scope": "global", "local": "10.4.1.3"},
                {"family": "inet6", "scope": "link", "local": "fe80::1"},
            ],
        },
        {"address": "02:00:5e:04:00:03", "addr_info": [{"family": "inet", "scope": "global", "local": "10.4.0.3"}]},
        {"link_type": "none"},
    ]
    assert links.addresses_of(described, "02:00:5E:04:01:03") == ["10.4.1.3"]
