# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the event promises its clients: the expectations `playbooks/verify.yml` proves.

Group variables of `clients` (the group exists even when no client does). A client's own network is its host variable
`verify_network`; everything below covers all networks, and a client looks up its own part. All addresses are text
without prefix length, all names are fully qualified without the final dot, all lists keep the order of the event file.

verify_networks: {NETWORK: {
    cidr: "10.33.0.0/24",
    pool: {first: "10.33.0.128", last: "10.33.0.254"} or null without DHCP pool,
    router: "10.33.0.1",                    the default gateway clients get
    resolvers: ["10.33.0.1"],               DHCP option 6
    ntp_servers: ["10.33.0.1"],             DHCP option 42
    domain: "arena.dc.nixos.lv",            DHCP option 15; CLIENT.arena.dc.nixos.lv appears after a lease (dynamic
    name) reverse_zone: "0.33.10.in-addr.arpa",   where the client's PTR appears
    search: ["arena.dc.nixos.lv", "dc.nixos.lv"],   DHCP option 119
    lease_seconds: 3600,
    reservations: [{host, mac, address, name}],   hosts that always get this address
    exit: "adamantia" or null}}             the egress host of this network's internet traffic

verify_names: [{name: "saitama.build.dc.nixos.lv", type: "A", data: ["10.4.1.3"]},
               {name: "3.1.4.10.in-addr.arpa", type: "PTR", data: ["saitama.build.dc.nixos.lv"]}]
    every static name; PTR data without the final dot like all names here.

verify_access: [{network: "arena", target: "saitama", address: "10.4.1.3", protocol: "tcp", port: 22,
                 expected: "open" or "closed", why: "access.arena does not list build"}]
    what a client of `network` meets at address:port of host `target`. `open`: the connection is accepted; `closed`:
    refused or unanswered. Ports are ones something listens on (22 everywhere, 443 of published names, 5000 of cache
    hosts), so that `closed` proves the firewall and not an idle port.

verify_caches: [{name: "cache.nixos.lv", url: "https://cache.nixos.lv", address: "10.33.0.1", networks: ["arena", ...],
                 backends: [{cache: "gvh-a", host: "saitama", url: "http://10.4.1.3:5000"}, ...],
                 upstream: ["https://cache.nixos.org"], trusted_public_keys: ["cache.nixos.org-1:..."]}]
    published names that serve caches; backends in failover order; trusted_public_keys are upstream's only.

verify_egress: {NETWORK: "203.0.113.66"}    the address the internet sees; networks without exit are absent.

verify_uplinks: [{host: "ghostgate", interface: "eth0", uplink: "venue"}]   the router's ways out, best metric first;
not one
    packet of a client may be seen on them.

verify_router: "ghostgate"                  inventory name of the router.
verify_foreign_resolvers: ["9.9.9.9", ...]  resolvers outside; a client's query to them is answered by the router.
verify_time_servers: ["time.cloudflare.com"]  the outside's time servers.
"""

from __future__ import annotations

from typing import Any

from ..model import Event, Network
from ..schema import OVERLAY
from .dhcp import reservations
from .dns import host_names, publication_address, reverse_zone
from .firewall import HTTPS_PORT, SSH_PORT
from .network import search_domains
from .nix import NAR_SERVER_PORT
from .reverse_proxy import backend_address


def variables(event: Event) -> dict[str, Any]:
    """The expectations, for the group `clients`."""
    ways_out = sorted(event.router.uplink_interfaces, key=lambda interface: event.uplinks[interface.uplink or ""])
    return {
        "verify_networks": {network.name: _network(event, network) for network in event.networks.values()},
        "verify_names": _names(event),
        "verify_access": [expectation for network in event.networks for expectation in _access(event, network)],
        "verify_caches": _caches(event),
        "verify_egress": {
            network.name: str(event.hosts[network.exit or ""].public_address) for network in event.exiting
        },
        "verify_uplinks": [{"host": event.router.name, "interface": i.name, "uplink": i.uplink} for i in ways_out],
        "verify_router": event.router.name,
        "verify_foreign_resolvers": list(event.resolvers),
        "verify_time_servers": list(event.time_servers),
    }


def _network(event: Event, network: Network) -> dict[str, Any]:
    router = str(event.router_addresses[network.name])
    domain = event.network_domain(network.name)
    return {
        "cidr": str(network.cidr),
        "pool": {"first": str(network.pool.first), "last": str(network.pool.last)} if network.pool else None,
        "router": router,
        "resolvers": [router],
        "ntp_servers": [router],
        "domain": domain,
        "reverse_zone": reverse_zone(network.cidr),
        "search": search_domains(event, network.name),
        "lease_seconds": network.lease_seconds,
        "reservations": [
            {
                "host": found["hostname"],
                "mac": found["mac"],
                "address": found["address"],
                "name": f"{found['hostname']}.{domain}",
            }
            for found in reservations(event, network.name)
        ],
        "exit": network.exit,
    }


def _names(event: Event) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for relative, address in host_names(event):
        name = f"{relative}.{event.domain}"
        found.append({"name": name, "type": "A", "data": [str(address)]})
        found.append({"name": address.reverse_pointer, "type": "PTR", "data": [name]})
    for publication in event.publish.values():
        found.append({"name": publication.name, "type": "A", "data": [str(publication_address(event, publication))]})
    return found


def _access(event: Event, network: str) -> list[dict[str, Any]]:
    """One host stands for each other network, and one for the overlay: the rules are about zones, not about hosts."""
    return [
        *_other_networks(event, network),
        *_overlay(event, network),
        *_router(event, network),
    ]


def _expectation(network: str, target: str, address: object, port: int, *, is_open: bool, why: str) -> dict[str, Any]:
    return {
        "network": network,
        "target": target,
        "address": str(address),
        "protocol": "tcp",
        "port": port,
        "expected": "open" if is_open else "closed",
        "why": why,
    }


def _why(network: str, target: str, is_open: bool) -> str:
    return f"access.{network} {'lists' if is_open else 'does not list'} {target}"


def _other_networks(event: Event, network: str) -> list[dict[str, Any]]:
    found = []
    for other, stations in event.stations.items():
        reachable = [(host, i) for host, i in stations if i.address and not host.is_a("router")]
        if other == network or not reachable:
            continue
        is_open = event.allows(network, other)
        why = _why(network, other, is_open)
        host, interface = reachable[0]
        found.append(_expectation(network, host.name, interface.address, SSH_PORT, is_open=is_open, why=why))
        for cache_host, cache_interface in reachable:
            if cache_host.name in event.cache_of_host:
                found.append(
                    _expectation(
                        network, cache_host.name, cache_interface.address, NAR_SERVER_PORT, is_open=is_open, why=why
                    )
                )
    return found


def _overlay(event: Event, network: str) -> list[dict[str, Any]]:
    members = [host for host in event.hosts.values() if host.on_site and not host.is_a("router")]
    is_open = event.allows(network, OVERLAY)
    why = _why(network, OVERLAY, is_open)
    return [_expectation(network, host.name, host.overlay, SSH_PORT, is_open=is_open, why=why) for host in members[:1]]


def _router(event: Event, network: str) -> list[dict[str, Any]]:
    router, managed = event.router.name, network in event.manage
    why = f"manage {'lists' if managed else 'does not list'} {network}"
    addresses = [*event.router_addresses.values(), event.router.overlay]
    found = [_expectation(network, router, address, SSH_PORT, is_open=managed, why=why) for address in addresses]
    published_to = {name for publication in event.publish.values() for name in publication.to}
    for publication in event.publish.values():
        address = publication_address(event, publication)
        is_open = network in publication.to
        if is_open or network not in published_to:
            why = f"publish.{publication.name}.to {'lists' if is_open else 'does not list'} {network}"
            found.append(_expectation(network, router, address, HTTPS_PORT, is_open=is_open, why=why))
    return found


def _caches(event: Event) -> list[dict[str, Any]]:
    return [
        {
            "name": publication.name,
            "url": f"https://{publication.name}",
            "address": str(publication_address(event, publication)),
            "networks": list(publication.to),
            "backends": [
                {
                    "cache": name,
                    "host": event.caches[name].host,
                    "url": f"http://{backend_address(event, event.caches[name])}:{NAR_SERVER_PORT}",
                }
                for name in publication.caches
            ],
            "upstream": [cache.url for cache in event.upstream_caches],
            "trusted_public_keys": [cache.key for cache in event.upstream_caches],
        }
        for publication in event.publish.values()
    ]
