"""What is replaced in the hosts' variables."""

from __future__ import annotations

from typing import Any

from ansible_collections.nixvegas.noc.rehearsal.event import Event
from ansible_collections.nixvegas.noc.rehearsal.inventory import Unsafe
from ansible_collections.nixvegas.noc.rehearsal.replace import Replacement, replace, replace_interfaces, replace_text

INTERFACES: list[dict[str, Any]] = [
    {"name": "wlan0", "kind": "physical", "dhcp": True},
    {"name": "port0", "kind": "physical"},
    {"name": "port1", "kind": "physical"},
    {"name": "lan0", "kind": "bridge", "members": ["port0", "port1"], "addresses": ["172.31.0.1/23"]},
    {"name": "bond0", "kind": "bond", "members": ["eth2", "eth3"], "mode": "802.3ad"},
    {"name": "eth2", "kind": "physical"},
    {"name": "eth3", "kind": "physical"},
    {"name": "bond0.7", "kind": "vlan", "parent": "bond0", "id": 7, "addresses": ["10.1.0.1/16"]},
    {"name": "spare0", "kind": "physical"},
    {"name": "nebula1", "kind": "tunnel"},
]


def test_interfaces(event: Event) -> None:
    interfaces, report = replace_interfaces(event, "gate", INTERFACES)
    assert interfaces == [
        {"name": "wlan0", "kind": "physical", "dhcp": True},
        {"name": "lan0", "kind": "physical", "addresses": ["172.31.0.1/23"]},
        {"name": "bond0.7", "kind": "physical", "addresses": ["10.1.0.1/16"]},
        {"name": "nebula1", "kind": "tunnel"},
    ]
    assert [(entry.what, entry.by) for entry in report] == [
        ("bridge lan0 of port0, port1", "one cable, lan0"),
        ("vlan bond0.7 on bond bond0 of eth2, eth3", "one cable, bond0.7"),
        ("spare0", "nothing"),
    ]


def test_variables(event: Event) -> None:
    variables: dict[str, dict[str, Any]] = {
        "gate": {
            "network_interfaces": INTERFACES,
            "ntp_control_clock": True,
            "dns_dnssec_validation": True,
            "dns_zones": [],
        },
        "laptop": {
            "network_interfaces": [{"name": "eth0", "kind": "physical"}],
            "nix_trusted_public_keys": ["cache.example-1:first", "own-1:mine"],
            "ntp_control_clock": False,
        },
    }
    replaced = replace(event, variables, {"cache.example-1:first": "cache.example-1:stand-in"})
    assert replaced.variables["laptop"] == {"nix_trusted_public_keys": ["cache.example-1:stand-in", "own-1:mine"]}
    assert replaced.variables["gate"].keys() == {"network_interfaces", "ntp_control_clock", "dns_dnssec_validation"}
    assert not replaced.variables["gate"]["ntp_control_clock"]
    assert Replacement("gate", "radio wlan0", "a cable to uplink hotel", "a container has no radio") in replaced.report
    assert [entry.what for entry in replaced.report if entry.host == "all hosts"] == [
        "setting the clock",
        "DNSSEC validation",
        "upstream caches' keys",
    ]


def test_text_keeps_its_type() -> None:
    replaced = replace_text({"keys": [Unsafe("a old b"), 1]}, {"old": "new"})
    assert replaced == {"keys": ["a new b", 1]}
    assert isinstance(replaced["keys"][0], Unsafe)
