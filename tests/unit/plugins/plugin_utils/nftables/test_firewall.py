# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of a router, and the errors in its variables."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.nixvegas.noc.plugins.plugin_utils.nftables.firewall import firewall_rules
from ansible_collections.nixvegas.noc.plugins.plugin_utils.nftables.matches import RulesError

ZONES = {"noc": ["eth1"], "arena": ["eth2", "wlan0"], "uplink": ["eth0"], "empty": []}
DNS = {"zones": ["noc", "arena"], "protocol": "udp", "ports": [53], "comment": "DNS"}


def members(rules: dict[str, Any], name: str) -> list[str]:
    """The members of a set."""
    [found] = [item["members"] for item in rules["sets"] if item["name"] == name]
    result: list[str] = found
    return result


def test_nothing() -> None:
    """No rules, no lines."""
    rules = firewall_rules({})
    assert {key: value for key, value in rules.items() if key != "sets"} == {
        "input": [], "forward": [], "redirect": [], "masquerade": [],
    }  # fmt: skip
    assert [item["members"] for item in rules["sets"]] == [[], [], []]


def test_lines() -> None:
    """A line for every rule and zone."""
    rules = firewall_rules(
        ZONES,
        accept_input=[DNS],
        forward=[
            {"from": "noc", "to": "arena", "destinations": ["10.33.0.0/24"], "comment": "crew"},
            {"from": "arena", "to": "uplink", "except_destinations": ["10.0.0.0/8"], "protocol": "tcp", "ports": [80]},
        ],
        redirect=[{"zones": ["arena"], "protocol": "udp", "port": 53, "comment": "ours"}],
        masquerade=[{"zone": "uplink", "sources": ["10.33.0.0/24"]}],
    )
    assert rules["input"] == [
        'iifname @zone_noc udp dport 53 accept comment "DNS"',
        'iifname @zone_arena udp dport 53 accept comment "DNS"',
    ]
    assert rules["forward"] == [
        'iifname @zone_noc oifname @zone_arena ip daddr 10.33.0.0/24 accept comment "crew"',
        "iifname @zone_arena oifname @zone_uplink ip daddr != 10.0.0.0/8 tcp dport 80 accept",
    ]
    assert rules["redirect"] == [
        'iifname @zone_arena meta nfproto ipv4 udp dport 53 redirect to :53 comment "ours"',
    ]
    assert rules["masquerade"] == ["oifname @zone_uplink ip saddr 10.33.0.0/24 masquerade"]


def test_sets() -> None:
    """Zones by interfaces; paths in both directions between the zones of a rule, and no others."""
    rules = firewall_rules(
        ZONES, forward=[{"from": "noc", "to": "arena"}], uplink_zones=["uplink"], antispoof_zones=["noc", "arena"]
    )
    assert members(rules, "zone_arena") == ['"eth2"', '"wlan0"']
    assert members(rules, "zone_empty") == []
    assert members(rules, "uplink_interfaces") == ['"eth0"']
    assert members(rules, "antispoof_interfaces") == ['"eth1"', '"eth2"', '"wlan0"']
    assert members(rules, "permitted_paths") == [
        '"eth1" . "eth2"', '"eth1" . "wlan0"', '"eth2" . "eth1"', '"wlan0" . "eth1"',
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"zones": {"a": ["eth0"], "b": ["eth0"]}},
            "firewall_zones.b[0]: 'eth0' is in zone 'a' too; an interface has one zone",
        ),
        ({"zones": {"A": []}}, "firewall_zones: 'A' is no zone name; use lower-case letters"),
        ({"zones": {"a": ["x y"]}}, "firewall_zones.a[0]: 'x y' is no interface name"),
        (
            {"accept_input": [DNS, {"zones": ["aren"]}]},
            "firewall_input[1].zones[0]: 'aren' is no zone of firewall_zones; did you mean 'arena'?",
        ),
        (
            {"accept_input": [{"zones": []}]},
            "firewall_input[0].zones: [] names no zone; name one or remove the rule",
        ),
        (
            {"forward": [{"from": "x", "to": "noc"}]},
            "firewall_forward[0].from: 'x' is no zone of firewall_zones; known are noc, arena, uplink, empty",
        ),
        (
            {"forward": [{"from": "noc", "to": "uplnk"}]},
            "firewall_forward[0].to: 'uplnk' is no zone of firewall_zones; did you mean 'uplink'?",
        ),
        (
            {"forward": [{"from": "noc", "to": "arena", "destinations": ["x"]}]},
            "firewall_forward[0].destinations[0]: 'x' is no IPv4 network",
        ),
        (
            {"redirect": [{"zones": ["arena"], "protocol": "udp", "port": 53}]},
            "firewall_redirect[0].zones: 'arena' is redirected to a port that is closed to it;"
            " add {zones: [arena], protocol: udp, ports: [53]} to firewall_input",
        ),
        (
            {"redirect": [{"zones": ["arena"], "protocol": "icmp", "port": 53}]},
            "firewall_redirect[0].protocol: 'icmp' is no protocol with ports; known are tcp, udp",
        ),
        ({"masquerade": [{"zone": "wan", "sources": ["10.0.0.0/8"]}]}, "firewall_masquerade[0].zone: 'wan' is no zone"),
        (
            {"masquerade": [{"zone": "uplink", "sources": []}]},
            "firewall_masquerade[0].sources: [] names no network; name one or remove the rule",
        ),
        ({"uplink_zones": ["wan"]}, "firewall_uplink_zones[0]: 'wan' is no zone of firewall_zones"),
        ({"antispoof_zones": ["lan"]}, "firewall_antispoof_zones[0]: 'lan' is no zone of firewall_zones"),
    ],
)
def test_errors(arguments: dict[str, Any], message: str) -> None:
    """Where, what value, why, and what to do."""
    with pytest.raises(RulesError) as error:
        firewall_rules(**({"zones": ZONES} | arguments))
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    "accepted",
    [
        {"zones": ["arena"], "protocol": "udp", "ports": ["50-60"]},
        {"zones": ["arena"], "protocol": "udp", "ports": []},
        {"zones": ["noc", "arena"]},
    ],
)
def test_redirect_to_an_open_port(accepted: dict[str, Any]) -> None:
    """A range, a whole protocol or everything opens the port too."""
    redirect = [{"zones": ["arena"], "protocol": "udp", "port": 53}]
    assert len(firewall_rules(ZONES, accept_input=[accepted], redirect=redirect)["redirect"]) == 1


def test_all_errors_at_once() -> None:
    """Nobody has to fix one mistake to learn of the next."""
    with pytest.raises(RulesError) as error:
        firewall_rules(ZONES, accept_input=[{"zones": ["x"], "protocol": "y", "ports": [1]}], uplink_zones=["z"])
    assert len(str(error.value).splitlines()) == 3
