# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of an egress host, and the errors in its variables."""

from __future__ import annotations

import pytest
from ansible_collections.nixvegas.noc.plugins.plugin_utils.nftables.egress import egress_rules
from ansible_collections.nixvegas.noc.plugins.plugin_utils.nftables.matches import RulesError


def test_lines() -> None:
    """Matches and one line a rule; no interface means all."""
    accept = [
        {"interface": None, "protocol": "tcp", "ports": [22]},
        {"interface": "nebula1", "protocol": "udp", "ports": [53], "comment": "DNS"},
    ]
    assert egress_rules("ens3", "nebula1", ["10.4.0.0/24", "10.33.0.0/24"], accept) == {
        "public": '"ens3"',
        "tunnel": '"nebula1"',
        "sources": "{ 10.4.0.0/24, 10.33.0.0/24 }",
        "accept": ["tcp dport 22 accept", 'iifname "nebula1" udp dport 53 accept comment "DNS"'],
    }


def test_no_sources() -> None:
    """A spare by which no network leaves is no mistake."""
    assert egress_rules("ens3", "nebula1", [], [])["sources"] == ""


def test_all_errors_at_once() -> None:
    """Nobody has to fix one mistake to learn of the next."""
    with pytest.raises(RulesError) as error:
        egress_rules("a b", "nebula1", ["x"], [{"interface": "c d", "protocol": "x"}])
    assert [line.split(":")[0] for line in str(error.value).splitlines()] == [
        "egress_public_interface", "egress_sources[0]", "egress_accept[0].interface", "egress_accept[0].protocol",
    ]  # fmt: skip
