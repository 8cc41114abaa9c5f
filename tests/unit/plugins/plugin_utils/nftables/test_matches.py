# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Matches from plain values, and the errors of wrong ones."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.nixvegas.noc.plugins.plugin_utils.nftables.matches import Matches, RulesError


@pytest.mark.parametrize(
    ("ports", "match"),
    [
        ([53], "53"),
        ([443, 80], "{ 80, 443 }"),
        (["6000-6010", 6005, "6008-6020"], "6000-6020"),
        ([22, "22"], "22"),
        (["1-65535"], "1-65535"),
    ],
)
def test_ports(ports: list[Any], match: str) -> None:
    """Sorted and merged, since nft refuses overlaps."""
    assert Matches().ports("ports", ports) == match


@pytest.mark.parametrize(
    ("networks", "match"),
    [
        (["10.4.1.0/24"], "10.4.1.0/24"),
        (["10.33.0.0/24", "10.4.0.0/24"], "{ 10.4.0.0/24, 10.33.0.0/24 }"),
        (["10.4.0.0/24", "10.4.1.0/24", "10.4.0.7"], "10.4.0.0/23"),
    ],
)
def test_networks(networks: list[str], match: str) -> None:
    """Sorted and merged, since nft refuses overlaps."""
    assert Matches().networks("networks", networks) == match


@pytest.mark.parametrize(
    ("rule", "match"),
    [
        ({}, ""),
        ({"protocol": None, "ports": []}, ""),
        ({"protocol": "tcp", "ports": [22]}, "tcp dport 22"),
        ({"protocol": "udp"}, "meta l4proto udp"),
        ({"protocol": "icmp", "ports": []}, "icmp type echo-request"),
    ],
)
def test_service(rule: dict[str, Any], match: str) -> None:
    """A protocol and its ports."""
    assert Matches().service("rule", rule) == match


@pytest.mark.parametrize(
    ("method", "value", "message"),
    [
        ("ports", [0], "x[0]: 0 is no port; write 1 to 65535, or a range as '6000-6010'"),
        ("ports", [65536], "x[0]: 65536 is no port; write 1 to 65535, or a range as '6000-6010'"),
        ("ports", ["9-8"], "x[0]: '9-8' is no port; write 1 to 65535, or a range as '6000-6010'"),
        ("ports", ["8-"], "x[0]: '8-' is no port; write 1 to 65535, or a range as '6000-6010'"),
        ("ports", [22, "ssh"], "x[1]: 'ssh' is no port; write 1 to 65535, or a range as '6000-6010'"),
        ("networks", ["10.4.0.1/24"], "x[0]: '10.4.0.1/24' is no IPv4 network: 10.4.0.1/24 has host bits set"),
        ("networks", ["2001:db8::/32"], "x[0]: '2001:db8::/32' is no IPv4 network: Expected 4 octets"),
        ("interface", 'a"b', "x: 'a\"b' is no interface name; it has at most 15 letters, digits and '_.:@-'"),
        ("interface", "sixteen-letters-", "x: 'sixteen-letters-' is no interface name"),
        ("zone_name", "Noc", "x: 'Noc' is no zone name; use lower-case letters, digits, '_' and '-', a letter first"),
        ("service", {"protocol": "tpc"}, "x.protocol: 'tpc' is no protocol; did you mean 'tcp'?"),
        ("service", {"protocol": 7}, "x.protocol: 7 is no protocol; known are tcp, udp, icmp"),
        ("service", {"ports": [1]}, "x.ports: [1] stands without a protocol; add protocol: tcp or protocol: udp"),
        ("service", {"protocol": "icmp", "ports": [1]}, "x.ports: [1] cannot be given with protocol: icmp; remove"),
        ("comment", {"comment": 'a "b"'}, "x.comment: 'a \"b\"' is no nftables comment; at most 127 bytes, no quotes"),
        ("comment", {"comment": "é" * 64}, "x.comment: 'é"),
    ],
)
def test_errors(method: str, value: Any, message: str) -> None:
    """Where, what value, why, and what to do."""
    matches = Matches()
    getattr(matches, method)("x", value)
    assert len(matches.errors) == 1
    assert matches.errors[0].startswith(message)
    with pytest.raises(RulesError):
        matches.raise_if_wrong()


def test_comment() -> None:
    """Quoted, or nothing."""
    assert Matches().comment("x", {"comment": "SSH"}) == 'comment "SSH"'
    assert Matches().comment("x", {"comment": "é" * 63}) != ""
    assert Matches().comment("x", {"comment": None}) == ""
