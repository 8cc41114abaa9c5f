# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What network_check finds missing, and which changes it refuses."""

from __future__ import annotations

import importlib.machinery
import importlib.util
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[4] / "roles/network/files/network_check.py"
loader = importlib.machinery.SourceFileLoader("network_check", str(SCRIPT))
spec = importlib.util.spec_from_loader("network_check", loader)
assert spec
check = importlib.util.module_from_spec(spec)
loader.exec_module(check)


def link(*addresses: str, **more: Any) -> dict[str, Any]:
    info = [{"local": a.split("/")[0], "prefixlen": int(a.split("/")[1])} for a in addresses]
    return {"operstate": "UP", "addr_info": info, **more}


LAN = {"name": "lan", "kind": "physical", "addresses": ["10.4.0.1/24"]}
UPLINK = {"name": "up", "kind": "physical", "dhcp": True, "metric": 100}
TUNNEL = {"name": "nebula1", "kind": "tunnel", "routes": [{"destination": "0.0.0.0/0", "table": 100}]}
BLACKHOLE = {"destination": "0.0.0.0/0", "type": "blackhole", "table": 100, "metric": 4096}
DEFAULT = {"dst": "default", "gateway": "198.51.100.1", "dev": "up", "metric": 100}


def missing(
    interface: dict[str, Any],
    links: dict[str, Any],
    *,
    routers: dict[str, str] | None = None,
    routes: list[Any] | None = None,
    rules: list[Any] | None = None,
) -> list[str]:
    found = check.complaints({"interfaces": [interface]}, links, routers or {}, routes or [], rules or [])
    lines: list[str] = found.get(interface["name"], [])
    return lines


@pytest.mark.parametrize(
    ("interface", "links", "expected"),
    [
        (LAN, {"lan": link("10.4.0.1/24")}, []),
        (LAN, {"lan": link("10.4.0.1/16")}, ["address 10.4.0.1/24 is missing on lan"]),
        (LAN, {}, []),
        ({"name": "br0", "kind": "bridge"}, {}, ["bridge br0 is missing"]),
        (
            {"name": "br0", "kind": "bridge", "members": ["a", "b", "c"]},
            {"br0": link(), "a": link(master="br0"), "b": link()},
            ["b is not part of br0"],
        ),
        (UPLINK, {"up": link()}, []),
        (TUNNEL, {}, []),
        (TUNNEL, {"nebula1": link(operstate="DOWN")}, []),
        (TUNNEL, {"nebula1": link(operstate="UNKNOWN")}, ["route 0.0.0.0/0 in table 100 is missing on nebula1"]),
    ],
)
def test_devices_and_addresses(interface: dict[str, Any], links: dict[str, Any], expected: list[str]) -> None:
    assert missing(interface, links) == expected


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        ([DEFAULT], []),
        ([], ["route 0.0.0.0/0 in table 254 metric 100 is missing on up"]),
        ([DEFAULT | {"gateway": "198.51.100.9"}], ["route 0.0.0.0/0 in table 254 metric 100 is missing on up"]),
        ([DEFAULT | {"table": "1002"}], ["route 0.0.0.0/0 in table 254 metric 100 is missing on up"]),
    ],
)
def test_the_way_out_learnt_by_dhcp_is_due_with_the_lease(routes: list[Any], expected: list[str]) -> None:
    assert missing(UPLINK, {"up": link()}, routers={"up": "198.51.100.1"}, routes=routes) == expected


@pytest.mark.parametrize(
    ("route", "found", "there"),
    [
        (BLACKHOLE, {"type": "6", "dst": "default", "table": "100", "metric": 4096}, True),
        (BLACKHOLE, {"type": "6", "dst": "default", "table": "100", "metric": 1}, False),
        (BLACKHOLE, {"dst": "default", "table": "100", "metric": 4096, "dev": "lo"}, False),
        ({"destination": "10.0.0.0/8"}, {"dst": "10.0.0.0/8", "dev": "lo", "metric": 5}, True),
        ({"destination": "10.0.0.0/8"}, {"dst": "10.0.0.0/8", "dev": "other"}, False),
        ({"destination": "10.0.0.1/32"}, {"dst": "10.0.0.1", "dev": "lo"}, True),
        ({"destination": "10.0.0.0/8", "gateway": "dhcp"}, None, True),
    ],
)
def test_routes(route: dict[str, Any], found: dict[str, Any] | None, there: bool) -> None:
    interface = {"name": "lo", "kind": "loopback", "routes": [route]}
    assert (missing(interface, {"lo": link()}, routes=[found] if found else []) == []) is there


RULE = {"priority": 200, "table": 100, "src": "all"}


@pytest.mark.parametrize(
    ("rule", "found", "there"),
    [
        ({}, RULE, True),
        ({}, RULE | {"table": "254"}, False),
        ({}, RULE | {"priority": 201}, False),
        ({"from": "10.4.1.3"}, RULE | {"src": "10.4.1.3"}, True),
        ({"from": "10.4.1.3"}, RULE, False),
        ({"to": "10.4.0.0/16"}, RULE | {"dst": "10.4.0.0", "dstlen": 16}, True),
        ({"to": "10.4.0.0/16"}, RULE | {"dst": "10.4.0.0", "dstlen": 24}, False),
        ({"incoming_interface": "eth1"}, RULE | {"iif": "eth1"}, True),
        ({}, RULE | {"iif": "eth1"}, False),
    ],
)
def test_rules(rule: dict[str, Any], found: dict[str, Any], there: bool) -> None:
    interface = {"name": "lo", "kind": "loopback", "rules": [{"priority": 200, "table": 100, **rule}]}
    assert (missing(interface, {"lo": link()}, rules=[found]) == []) is there


@pytest.mark.parametrize(
    ("interface", "refused"),
    [
        (LAN, False),
        (LAN | {"addresses": ["10.4.0.2/24"]}, True),
        (LAN | {"addresses": []}, True),
        (LAN | {"addresses": [], "dhcp": True}, False),
        (LAN | {"name": "other", "addresses": []}, False),
    ],
)
def test_a_change_that_takes_the_connections_address_is_refused(interface: dict[str, Any], refused: bool) -> None:
    lines = list(check.endangered({"interfaces": [interface]}, {"lan": link("10.4.0.1/24")}, {"10.4.0.1"}))
    assert bool(lines) is refused


def test_redirects(tmp_path: Path) -> None:
    """Of every interface, and of those to come; a device that goes meanwhile is none."""
    for name, accept, send in (("all", 0, 0), ("default", 1, 0), ("trunk0.2", 0, 1), ("lo", 0, 0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "accept_redirects").write_text(f"{accept}\n")
        (tmp_path / name / "send_redirects").write_text(f"{send}\n")
    (tmp_path / "gone").mkdir()
    assert list(check.redirect_complaints(tmp_path)) == [
        "net/ipv4/conf/default/accept_redirects is not 0",
        "net/ipv4/conf/trunk0.2/send_redirects is not 0",
    ]
