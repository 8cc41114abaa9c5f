# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of systemd-networkd from a list of interfaces."""

from __future__ import annotations

DOCUMENTATION = r"""
name: networkd_files
short_description: Files of systemd-networkd from a list of interfaces
version_added: 0.1.0
author: The Nix Vegas NOC (@NixVegas)
description:
  - Prepares what the template of role C(nixvegas.noc.network) prints, a file for each link and each virtual device.
  - Members of bonds and bridges and parents of VLANs get a file even if they are not in the list.
positional: _input
options:
  _input:
    description: As C(network_interfaces) of the role.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
files: "{{ network_interfaces | nixvegas.noc.networkd_files }}"
"""

RETURN = r"""
_value:
  description: Files for M(nixvegas.noc.service_config), each with a variable C(sections).
  type: list
  elements: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

FOLDER = "/etc/systemd/network"
ANYWHERE = "0.0.0.0/0"
VIRTUAL_KINDS = ("bond", "vlan", "bridge")

Interface = Mapping[str, Any]
Options = list[tuple[str, str]]
Section = dict[str, Any]


def networkd_files(interfaces: Sequence[Interface]) -> list[dict[str, Any]]:
    """Return the files, in the order of the interfaces; ports that are not listed follow."""
    listed = {interface["name"] for interface in interfaces}
    ports = {port for interface in interfaces for port in _ports(interface)}
    everything = [*interfaces, *({"name": port, "kind": "physical"} for port in sorted(ports - listed))]
    files = []
    for interface in everything:
        if interface["kind"] in VIRTUAL_KINDS:
            files.append(_file(interface, "netdev", _netdev(interface)))
        elif interface["kind"] == "physical" and interface.get("mac"):
            files.append(_file(interface, "link", _link(interface)))
        files.append(_file(interface, "network", _network(interface, interfaces)))
    return files


def _ports(interface: Interface) -> list[str]:
    return [*interface.get("members", []), *([interface["parent"]] if interface["kind"] == "vlan" else [])]


def _file(interface: Interface, extension: str, sections: list[Section]) -> dict[str, Any]:
    return {
        "dest": f"{FOLDER}/10-{interface['name']}.{extension}",
        "template": "networkd.j2",
        "vars": {"sections": sections},
    }


def _section(name: str, options: Options) -> Section:
    return {"name": name, "options": [f"{key}={value}" for key, value in options]}


def _link(interface: Interface) -> list[Section]:
    """Give the card with this address its name; what is stacked on it has the same address, but a kind."""
    match = [("MACAddress", interface["mac"]), ("Kind", "!*")]
    return [_section("Match", match), _section("Link", [("Name", interface["name"])])]


def _netdev(interface: Interface) -> list[Section]:
    kind = interface["kind"]
    device = [("Name", interface["name"]), ("Kind", kind)]
    if interface.get("mac"):
        device.append(("MACAddress", interface["mac"]))
    details: dict[str, Options] = {
        "bond": [("Mode", interface.get("mode") or "active-backup"), ("MIIMonitorSec", "100ms")],
        "vlan": [("Id", str(interface.get("id")))],
        "bridge": [("STP", "no"), ("ForwardDelaySec", "0")],
    }
    return [_section("NetDev", device), _section("VLAN" if kind == "vlan" else kind.capitalize(), details[kind])]


def _network(interface: Interface, interfaces: Sequence[Interface]) -> list[Section]:
    name = interface["name"]
    # A static address serves without a cable, so the machine does not wait for one.
    needed = "yes" if interface.get("dhcp") else "no-carrier"
    required = needed if interface.get("required") else "no"
    sections = [_section("Match", [("Name", name)]), _section("Link", [("RequiredForOnline", required)])]
    sections.append(_section("Network", _addressing(interface) + _stacking(name, interfaces)))
    if interface.get("dhcp"):
        sections.append(_section("DHCPv4", _dhcp(interface)))
    sections += [_section("Route", _route(route)) for route in interface.get("routes", [])]
    sections += [_section("RoutingPolicyRule", _rule(rule)) for rule in interface.get("rules", [])]
    return sections


def _addressing(interface: Interface) -> Options:
    options = [("DHCP", "ipv4" if interface.get("dhcp") else "no")]
    if interface["kind"] == "tunnel":
        # The program that makes the device gives it its address.
        options.append(("KeepConfiguration", "yes"))
    elif interface["kind"] != "loopback" and not interface.get("dhcp"):
        # Services listen on the address whether or not a cable is plugged in.
        options += [("ConfigureWithoutCarrier", "yes"), ("IgnoreCarrierLoss", "yes")]
    options += [("LinkLocalAddressing", "no"), ("IPv6AcceptRA", "no")]
    return options + [("Address", address) for address in interface.get("addresses", [])]


def _stacking(name: str, interfaces: Sequence[Interface]) -> Options:
    options = []
    for other in interfaces:
        if name in other.get("members", []):
            options.append((other["kind"].capitalize(), other["name"]))
        if other["kind"] == "vlan" and other["parent"] == name:
            options.append(("VLAN", other["name"]))
    return options


def _dhcp(interface: Interface) -> Options:
    options = [("ClientIdentifier", "mac")]
    options += [(f"Use{what}", "no") for what in ("DNS", "NTP", "Hostname", "Domains")]
    if interface.get("metric") is not None:
        options.append(("RouteMetric", str(interface["metric"])))
    return options


def _route(route: Mapping[str, Any]) -> Options:
    gateway = route.get("gateway")
    named = {
        "Destination": route.get("destination") or ANYWHERE,
        "Gateway": "_dhcp4" if gateway == "dhcp" else gateway,
        "Table": route.get("table"),
        "Metric": route.get("metric"),
        "Type": route.get("type"),
        "PreferredSource": route.get("source"),
    }
    return [(key, str(value)) for key, value in named.items() if value is not None]


def _rule(rule: Mapping[str, Any]) -> Options:
    named = {
        "Family": "ipv4",
        "Priority": rule.get("priority"),
        "From": rule.get("from"),
        "To": rule.get("to"),
        "IncomingInterface": rule.get("incoming_interface"),
        "Table": rule.get("table"),
    }
    return [(key, str(value)) for key, value in named.items() if value is not None]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"networkd_files": networkd_files}
