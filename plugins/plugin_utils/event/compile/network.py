# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of role network: interfaces, routes, policy routing, resolvers.

On the router, traffic of the networks goes to table TUNNEL_TABLE, which knows one way out, the tunnel, and a blackhole
for when the tunnel is down: nothing of theirs can leave by an uplink. Only what is addressed to the site itself is
looked up in the main table, where blackholes stand behind the routes to the site: with the tunnel down, the router's
own queries to the overlay must not leave by an uplink either, for they are its clients' queries. A host with several
interfaces answers from each address through the interface it belongs to.
"""

from __future__ import annotations

from typing import Any

from ..model import Event, Host, Interface
from ..schema import NEBULA_DEVICE
from ..secret_paths import SecretPaths

DEFAULT_ROUTE = "0.0.0.0/0"
MAIN_TABLE = 254
TUNNEL_TABLE = 100
INSIDE_PRIORITY = 100
TUNNEL_PRIORITY = 200
SOURCE_PRIORITY = 1000
SOURCE_TABLE_OF_VLAN = 1000
SOURCE_TABLE_WITHOUT_VLAN = 6000
BLACKHOLE_METRIC = 4096
METRIC_STEP = 100
MOST_RESOLVERS = 3  # glibc reads no more from resolv.conf


def variables(event: Event, host: Host, secrets: SecretPaths) -> dict[str, Any]:
    """Interfaces in the order of the file; the router's end with the tunnel and the loopback, which carries the
    rules."""
    interfaces = [_interface(event, host, interface) for interface in host.interfaces]
    if host.is_a("router"):
        interfaces += [_router_tunnel(event), _loopback(event)]
    elif host.on_site and event.reaching_overlay:
        interfaces.append(_tunnel(event, host))
    return {
        "network_interfaces": interfaces,
        "network_ip_forward": host.is_a("router") or host.is_a("egress"),
        "network_resolvers": _resolvers(event, host),
        "network_search": search_domains(event, host.lan_interfaces[0].network) if host.on_site else [],
    }


def search_domains(event: Event, network: str | None) -> list[str]:
    """What hosts of a network may leave out of names."""
    return [event.network_domain(network), event.domain] if network else []


def _resolvers(event: Event, host: Host) -> list[str]:
    """A host with a resolver asks itself first, then the outside's, which it needs until its own is installed."""
    if host.is_a("router") or host.is_a("egress"):
        return ["127.0.0.1", *event.resolvers][:MOST_RESOLVERS]
    if host.on_site:
        return [str(event.router_addresses[i.network or ""]) for i in host.lan_interfaces][:MOST_RESOLVERS]
    return list(event.resolvers[:MOST_RESOLVERS])


def _interface(event: Event, host: Host, interface: Interface) -> dict[str, Any]:
    found: dict[str, Any] = {"name": interface.name, "kind": interface.kind, "dhcp": False}
    if interface.members:
        found["members"] = list(interface.members)
    if interface.mode:
        found["mode"] = interface.mode
    if interface.kind == "vlan":
        found |= {"parent": interface.parent, "id": interface.vlan}
    if interface.mac:
        found["mac"] = interface.mac
    if interface.uplink:
        return found | {"dhcp": True, "metric": event.uplinks[interface.uplink], "required": host.is_a("egress")}
    if interface.network:
        connect = _router_lan if host.is_a("router") else _lan
        return found | connect(event, host, interface)
    return found


def _router_lan(event: Event, host: Host, interface: Interface) -> dict[str, Any]:
    cidr = event.networks[interface.network or ""].cidr
    return {"addresses": [f"{interface.address}/{cidr.prefixlen}"], "required": True}


def _lan(event: Event, host: Host, interface: Interface) -> dict[str, Any]:
    """An address by DHCP (reserved for the MAC, if it is known), or a static one where the file gives an address but
    no MAC."""
    network = event.networks[interface.network or ""]
    position = host.lan_interfaces.index(interface)
    by_dhcp = interface.address is None or interface.mac is not None
    gateway = "dhcp" if by_dhcp else str(event.router_addresses[network.name])
    found: dict[str, Any] = {"dhcp": by_dhcp, "metric": METRIC_STEP * (position + 1), "required": position == 0}
    routes: list[dict[str, Any]] = []
    if not by_dhcp:
        found["addresses"] = [f"{interface.address}/{network.cidr.prefixlen}"]
        routes.append({"destination": DEFAULT_ROUTE, "gateway": gateway, "metric": found["metric"]})
    if interface.address and len(host.lan_interfaces) > 1:
        table = _source_table(event, network.name)
        routes += [
            {"destination": str(network.cidr), "table": table},
            {"destination": DEFAULT_ROUTE, "gateway": gateway, "table": table},
        ]
        found["rules"] = [{"priority": SOURCE_PRIORITY + position, "from": str(interface.address), "table": table}]
    if routes:
        found["routes"] = routes
    return found


def _source_table(event: Event, network: str) -> int:
    vlan = event.networks[network].vlan
    return SOURCE_TABLE_OF_VLAN + vlan if vlan else SOURCE_TABLE_WITHOUT_VLAN + list(event.networks).index(network)


def _router_tunnel(event: Event) -> dict[str, Any]:
    routes = [{"destination": DEFAULT_ROUTE, "table": TUNNEL_TABLE}] if event.exit else []
    return {"name": NEBULA_DEVICE, "kind": "tunnel", "dhcp": False, "required": False, "routes": routes}


def _tunnel(event: Event, host: Host) -> dict[str, Any]:
    """What came to the overlay address from a network came through the tunnel, and its answer must return through
    it."""
    routes = [{"destination": str(network.cidr), "table": TUNNEL_TABLE} for network in event.reaching_overlay]
    rules = [{"priority": TUNNEL_PRIORITY, "from": str(host.overlay), "table": TUNNEL_TABLE}]
    return {"name": NEBULA_DEVICE, "kind": "tunnel", "dhcp": False, "required": False, "routes": routes, "rules": rules}


def _loopback(event: Event) -> dict[str, Any]:
    inside = [
        {"priority": INSIDE_PRIORITY + index, "to": str(cidr), "table": MAIN_TABLE}
        for index, cidr in enumerate(event.inside)
    ]
    outward = [
        {
            "priority": TUNNEL_PRIORITY + index,
            "incoming_interface": event.router_interfaces[name].name,
            "table": TUNNEL_TABLE,
        }
        for index, name in enumerate(event.networks)
    ]
    last = {"type": "blackhole", "metric": BLACKHOLE_METRIC}
    nowhere = [{"destination": DEFAULT_ROUTE, "table": TUNNEL_TABLE, **last}]
    nowhere += [{"destination": str(cidr), **last} for cidr in event.inside]
    return {
        "name": "lo",
        "kind": "loopback",
        "dhcp": False,
        "required": False,
        "routes": nowhere,
        "rules": inside + outward,
    }
