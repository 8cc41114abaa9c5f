# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of systemd-networkd for one interface of each kind."""

from __future__ import annotations

import pytest
from ansible_collections.nixvegas.noc.plugins.filter.networkd_files import FilterModule

networkd_files = FilterModule().filters()["networkd_files"]

INTERFACES = [
    {"name": "eth0", "kind": "physical", "dhcp": True, "metric": 100, "required": True, "mac": "02:00:5e:00:00:01"},
    {
        "name": "trunk0",
        "kind": "bond",
        "members": ["sfp0", "sfp1"],
        "mode": "802.3ad",
        "addresses": ["10.4.0.1/24"],
        "mac": "02:00:5e:00:00:02",
    },
    {"name": "sfp1", "kind": "physical"},
    {"name": "trunk0.2", "kind": "vlan", "parent": "trunk0", "id": 2, "dhcp": False, "addresses": ["10.4.1.1/24"]},
    {"name": "br0", "kind": "bridge", "members": ["eth3"]},
    {"name": "nebula1", "kind": "tunnel", "routes": [{"destination": "0.0.0.0/0", "table": 100}]},
    {
        "name": "lo",
        "kind": "loopback",
        "routes": [{"destination": "0.0.0.0/0", "type": "blackhole", "table": 100, "metric": 4096}],
        "rules": [
            {"priority": 100, "to": "10.4.0.0/24", "table": 254},
            {"priority": 200, "incoming_interface": "eth1", "table": 100},
            {"priority": 1000, "from": "10.4.1.3", "table": 1002},
        ],
    },
    {
        "name": "eth4",
        "kind": "physical",
        "dhcp": True,
        "routes": [
            {"destination": "0.0.0.0/0", "gateway": "dhcp", "table": 1002},
            {"destination": "10.0.0.0/8", "gateway": "10.4.1.1", "source": "10.4.1.3"},
        ],
    },
]
QUIET = ["LinkLocalAddressing=no", "IPv6AcceptRA=no"]
STATIC = ["DHCP=no", "ConfigureWithoutCarrier=yes", "IgnoreCarrierLoss=yes", *QUIET]
LEASED = ["ClientIdentifier=mac", "UseDNS=no", "UseNTP=no", "UseHostname=no", "UseDomains=no"]
EXPECTED = {
    "eth0.link": {"Match": ["MACAddress=02:00:5e:00:00:01", "Kind=!*"], "Link": ["Name=eth0"]},
    "eth0.network": {
        "Match": ["Name=eth0"],
        "Link": ["RequiredForOnline=yes"],
        "Network": ["DHCP=ipv4", *QUIET],
        "DHCPv4": [*LEASED, "RouteMetric=100"],
    },
    "trunk0.netdev": {
        "NetDev": ["Name=trunk0", "Kind=bond", "MACAddress=02:00:5e:00:00:02"],
        "Bond": ["Mode=802.3ad", "MIIMonitorSec=100ms"],
    },
    "trunk0.network": {"Network": [*STATIC, "Address=10.4.0.1/24", "VLAN=trunk0.2"]},
    "sfp1.network": {"Network": [*STATIC, "Bond=trunk0"]},
    "trunk0.2.netdev": {"NetDev": ["Name=trunk0.2", "Kind=vlan"], "VLAN": ["Id=2"]},
    "trunk0.2.network": {"Network": [*STATIC, "Address=10.4.1.1/24"]},
    "br0.netdev": {"NetDev": ["Name=br0", "Kind=bridge"], "Bridge": ["STP=no", "ForwardDelaySec=0"]},
    "br0.network": {"Network": STATIC},
    "nebula1.network": {
        "Network": ["DHCP=no", "KeepConfiguration=yes", *QUIET],
        "Route": ["Destination=0.0.0.0/0", "Table=100"],
    },
    "lo.network": {
        "Network": ["DHCP=no", *QUIET],
        "Route": ["Destination=0.0.0.0/0", "Table=100", "Metric=4096", "Type=blackhole"],
        "RoutingPolicyRule 1": ["Family=ipv4", "Priority=100", "To=10.4.0.0/24", "Table=254"],
        "RoutingPolicyRule 2": ["Family=ipv4", "Priority=200", "IncomingInterface=eth1", "Table=100"],
        "RoutingPolicyRule 3": ["Family=ipv4", "Priority=1000", "From=10.4.1.3", "Table=1002"],
    },
    "eth4.network": {
        "Network": ["DHCP=ipv4", *QUIET],
        "DHCPv4": LEASED,
        "Route 1": ["Destination=0.0.0.0/0", "Gateway=_dhcp4", "Table=1002"],
        "Route 2": ["Destination=10.0.0.0/8", "Gateway=10.4.1.1", "PreferredSource=10.4.1.3"],
    },
    "eth3.network": {"Network": [*STATIC, "Bridge=br0"]},
    "sfp0.network": {"Network": [*STATIC, "Bond=trunk0"]},
}


def test_every_device_has_its_files() -> None:
    files = networkd_files(INTERFACES)
    assert [file["dest"].removeprefix("/etc/systemd/network/10-") for file in files] == list(EXPECTED)
    assert {file["template"] for file in files} == {"networkd.j2"}


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items())
def test_sections(name: str, expected: dict[str, list[str]]) -> None:
    (file,) = (file for file in networkd_files(INTERFACES) if file["dest"].endswith(f"/10-{name}"))
    sections = [(section["name"], section["options"]) for section in file["vars"]["sections"]]
    if name.endswith(".network") and "Match" not in expected:
        usual = {"Match": [f"Name={name.removesuffix('.network')}"], "Link": ["RequiredForOnline=no"]}
        expected = usual | expected
    assert sections == [(key.split(" ")[0], options) for key, options in expected.items()]
