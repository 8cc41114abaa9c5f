# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters as templates use them."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.nixvegas.noc.plugins.filter import egress_rules, firewall_rules


def test_firewall_rules() -> None:
    """The filter passes its arguments on; mistakes become an error of the template."""
    rules = firewall_rules.FilterModule().filters()["firewall_rules"]
    assert rules({"lan": ["eth1"]}, accept_input=[{"zones": ["lan"]}])["input"] == ["iifname @zone_lan accept"]
    with pytest.raises(AnsibleFilterError, match=r"firewall's variables are wrong:\nfirewall_uplink_zones\[0\]: 'wan'"):
        rules({"lan": ["eth1"]}, uplink_zones=["wan"])


def test_egress_rules() -> None:
    """The filter passes its arguments on; mistakes become an error of the template."""
    rules = egress_rules.FilterModule().filters()["egress_rules"]
    assert rules("ens3", "nebula1", ["10.0.0.0/8"], [])["public"] == '"ens3"'
    with pytest.raises(AnsibleFilterError, match=r"egress variables are wrong:\negress_sources\[0\]: 'x' is no IPv4"):
        rules("ens3", "nebula1", sources=["x"], accept=[])
