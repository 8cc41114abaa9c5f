# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kea's structures: what each variable becomes, and which names clients may not have."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.nixvegas.noc.plugins.filter.kea_ddns_domains import FilterModule as Domains
from ansible_collections.nixvegas.noc.plugins.filter.kea_dhcp4 import FilterModule as Dhcp4
from ansible_collections.nixvegas.noc.plugins.filter.knot_zones import FilterModule as Zones
from ansible_collections.nixvegas.noc.plugins.plugin_utils.kea import ddns_domains, dhcp4

BUILD: dict[str, Any] = {
    "id": 2,
    "cidr": "10.4.1.0/24",
    "interface": "eth1",
    "pool": "10.4.1.128-10.4.1.254",
    "router": "10.4.1.1",
    "domain": "build.dc.nixos.lv",
}
ARENA = BUILD | {"id": 4, "cidr": "10.33.0.0/24", "interface": "eth2", "domain": "arena.dc.nixos.lv"}
DDNS = {"server": "127.0.0.53", "port": 5353, "key_name": "dhcp"}


def subnet(**variables: Any) -> dict[str, Any]:
    """Kea's only subnet."""
    (found,) = dhcp4([BUILD | variables])["Dhcp4"]["subnet4"]
    assert isinstance(found, dict)
    return found


def options(**variables: Any) -> dict[str, str]:
    """The subnet's options by name."""
    return {option["name"]: option["data"] for option in subnet(**variables)["option-data"]}


def test_options() -> None:
    """What is not given is not sent, but the search list."""
    assert options() == {
        "routers": "10.4.1.1",
        "domain-name": "build.dc.nixos.lv",
        "domain-search": "build.dc.nixos.lv",
    }
    given = options(resolvers=["10.4.1.1", "10.4.1.2"], ntp_servers=["10.4.1.1"], search=["a.lv", "b.lv"])
    assert given["domain-name-servers"] == "10.4.1.1, 10.4.1.2"
    assert given["ntp-servers"] == "10.4.1.1"
    assert given["domain-search"] == "a.lv, b.lv"


@pytest.mark.parametrize("variables", [{"pool": None}, {"pool": None, "reservations": None}])
def test_without_pool(variables: dict[str, Any]) -> None:
    """Only reserved addresses are given out."""
    assert (subnet(**variables)["pools"], subnet(**variables)["reservations"]) == ([], [])


def test_reservations() -> None:
    """A reserved host may be without a name."""
    reserved = [
        {"mac": "02:00:5e:04:01:03", "address": "10.4.1.3", "hostname": "saitama"},
        {"mac": "02:00:5e:04:01:04", "address": "10.4.1.4"},
    ]
    assert subnet(reservations=reserved)["reservations"] == [
        {"hw-address": "02:00:5e:04:01:03", "ip-address": "10.4.1.3", "hostname": "saitama"},
        {"hw-address": "02:00:5e:04:01:04", "ip-address": "10.4.1.4"},
    ]


def test_interfaces_are_named_once() -> None:
    """Two subnets may share an interface."""
    server = dhcp4([ARENA, BUILD, BUILD | {"id": 9, "cidr": "10.9.0.0/24"}])["Dhcp4"]
    assert server["interfaces-config"]["interfaces"] == ["eth1", "eth2"]


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("laptop", "laptop"),
        ("evil name;$(rm)", "evil-name---rm-"),
        ("wpad", "-"),
        ("WPad", "-"),
        ("wpad2", "wpad2"),
        ("arena", "-"),
        ("Arena", "-"),
        ("build", "build"),
        ("dc", "dc"),
        ("x.arena", "x-arena"),
    ],
)
def test_names_of_clients(label: str, expected: str) -> None:
    """A client of network build cannot be called by a name of network arena."""
    found = dhcp4([BUILD, ARENA], refused_names=["wpad"])["Dhcp4"]
    unwanted = found["subnet4"][0]["hostname-char-set"]
    assert re.sub(unwanted, found["hostname-char-replacement"], label) == expected


def test_a_reserved_host_keeps_its_name() -> None:
    """And nobody else in another subnet gets it."""
    reserved = {"mac": "02:00:00:00:00:03", "address": "10.4.1.3", "hostname": "saitama"}
    build, arena = dhcp4([BUILD | {"reservations": [reserved]}, ARENA], refused_names=["saitama"])["Dhcp4"]["subnet4"]
    assert re.sub(build["hostname-char-set"], "-", "saitama") == "saitama"
    assert re.sub(arena["hostname-char-set"], "-", "saitama") == "-"


def test_dynamic_names() -> None:
    """Without a name server, leases are not reported."""
    assert dhcp4([BUILD])["Dhcp4"]["dhcp-ddns"]["enable-updates"] is True
    assert dhcp4([BUILD], dynamic_names=False)["Dhcp4"]["dhcp-ddns"]["enable-updates"] is False


def test_zones_to_update() -> None:
    """Each zone once, absolute; names live in their domain unless a zone is told."""
    zones = {"forward_zone": "dc.nixos.lv", "reverse_zone": "4.10.in-addr.arpa."}
    both = [BUILD | zones, ARENA | zones]
    server = {"key-name": "dhcp", "dns-servers": [{"ip-address": "127.0.0.53", "port": 5353}]}
    assert ddns_domains(both, DDNS, "forward") == [{"name": "dc.nixos.lv.", **server}]
    assert ddns_domains(both, DDNS, "reverse") == [{"name": "4.10.in-addr.arpa.", **server}]
    assert [zone["name"] for zone in ddns_domains([BUILD], DDNS, "forward")] == ["build.dc.nixos.lv."]
    assert ddns_domains([BUILD], DDNS, "reverse") == []


def test_filters() -> None:
    """Plays reach them by these names."""
    assert Dhcp4().filters() == {"kea_dhcp4": dhcp4}
    assert Domains().filters() == {"kea_ddns_domains": ddns_domains}
    zones = [{"name": "x.lv", "records": [], "allow_update_key": "k", "update_names": ["*.x.lv."]}]
    assert Zones().filters()["knot_zones"](zones) == [{"name": "x.lv", "records": []}]
