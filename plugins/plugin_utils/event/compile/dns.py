# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of role dns: the zones of the site and the resolver for everybody in it.

Zones: the event's domain with HOST.NETWORK and HOST.overlay; reverse zones cut at whole octets; one zone for every
published name that is not inside the domain. Clients ask the router's resolver, which asks the authoritative server
beside it for these zones and the exit's resolver, through the overlay, for everything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from ..model import Event, Host, Publication
from ..schema import OVERLAY
from ..secret_paths import SecretPaths

AUTHORITATIVE_ADDRESS = "127.0.0.53"
AUTHORITATIVE_PORT = 5353
UPDATE_KEY = "dhcp"
UPDATE_KEY_ALGORITHM = "hmac-sha256"
LOCALHOST = "127.0.0.1"
LOOPBACK = "127.0.0.0/8"


def variables(event: Event, host: Host, secrets: SecretPaths) -> dict[str, Any]:
    """The router is authoritative and resolves; an egress host resolves for the router, and asks the event's
    resolvers."""
    if host.is_a("router"):
        lans = [str(address) for address in event.router_addresses.values()]
        return {
            "dns_zones": zones(event),
            "dns_authoritative_listen": {"address": AUTHORITATIVE_ADDRESS, "port": AUTHORITATIVE_PORT},
            "dns_tsig_keys": [
                {"name": UPDATE_KEY, "algorithm": UPDATE_KEY_ALGORITHM, "secret_file": secrets.tsig(UPDATE_KEY)}
            ],
            "dns_resolver_listen": [LOCALHOST, *lans],
            "dns_resolver_allow": [
                LOOPBACK,
                *(str(network.cidr) for network in event.networks.values()),
                str(event.overlay),
            ],
            "dns_forwarders": [str(event.exit.overlay)] if event.exit else list(event.resolvers),
            "dns_dnssec_validation": True,
        }
    return {
        "dns_zones": [],
        "dns_authoritative_listen": {"address": AUTHORITATIVE_ADDRESS, "port": AUTHORITATIVE_PORT},
        "dns_tsig_keys": [],
        "dns_resolver_listen": [LOCALHOST, str(host.overlay)],
        "dns_resolver_allow": [LOOPBACK, str(event.overlay)],
        "dns_forwarders": list(event.resolvers),
        "dns_dnssec_validation": True,
    }


def host_names(event: Event) -> Iterator[tuple[str, IPv4Address]]:
    """Every static name of a host, below the event's domain, with its address."""
    for host in event.hosts.values():
        for interface in host.lan_interfaces:
            if interface.address:
                yield f"{host.name}.{interface.network}", interface.address
        yield f"{host.name}.{OVERLAY}", host.overlay


def publication_address(event: Event, publication: Publication) -> IPv4Address:
    """Where a published name points: the router, in the first network the name is published to."""
    return event.router_addresses[publication.to[0]]


def reverse_zone(cidr: IPv4Network) -> str:
    """The reverse zone a network's addresses are in: whole octets only, so that of a /20 belongs to a whole /16."""
    octets = str(cidr.network_address).split(".")[: cidr.prefixlen // 8]
    return ".".join([*reversed(octets), "in-addr.arpa"])


def zones(event: Event) -> list[dict[str, Any]]:
    """All zones with their static records. Names are relative to the zone, "@" being the zone itself."""
    leased = [f"*.{event.network_domain(name)}." for name in event.networks]
    found = [_zone(event, event.domain, _forward_records(event)) | _updated(leased)]
    for name, records, updated in _reverse_zones(event):
        found.append(_zone(event, name, records) | (_updated([]) if updated else {}))
    for publication in event.publish.values():
        if not _is_inside(publication.name, event.domain):
            found.append(_zone(event, publication.name, [_published_record(event, publication, "@")]))
    return found


def _zone(event: Event, name: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    primary = f"{event.router.name}.{event.network_domain(next(iter(event.router_addresses)))}."
    return {
        "name": name,
        "soa": {"mname": primary, "rname": f"hostmaster.{event.domain}."},
        "records": records,
    }


def _updated(names: list[str]) -> dict[str, Any]:
    """What lets the DHCP server enter its clients: under `names`, or under any name of the zone."""
    return {"allow_update_key": UPDATE_KEY, "update_names": names}


def _forward_records(event: Event) -> list[dict[str, Any]]:
    records = [{"name": name, "type": "A", "data": [str(address)]} for name, address in host_names(event)]
    for publication in event.publish.values():
        if _is_inside(publication.name, event.domain):
            relative = publication.name.removesuffix(event.domain).rstrip(".") or "@"
            records.append(_published_record(event, publication, relative))
    return records


def _published_record(event: Event, publication: Publication, name: str) -> dict[str, Any]:
    return {"name": name, "type": "A", "data": [str(publication_address(event, publication))]}


def _is_inside(name: str, domain: str) -> bool:
    return name == domain or name.endswith(f".{domain}")


def _reverse_zones(event: Event) -> Iterator[tuple[str, list[dict[str, Any]], bool]]:
    """Networks that share a zone share one; DHCP may update those of networks, the overlay's is all static."""
    zone_of_network = {name: reverse_zone(network.cidr) for name, network in event.networks.items()}
    zone_of_network[OVERLAY] = reverse_zone(event.overlay)
    records: dict[str, list[dict[str, Any]]] = {zone: [] for zone in zone_of_network.values()}
    for name, address in host_names(event):
        zone = zone_of_network[name.partition(".")[2]]
        relative = address.reverse_pointer.removesuffix(f".{zone}")
        records[zone].append({"name": relative, "type": "PTR", "data": [f"{name}.{event.domain}."]})
    updated = {zone for name, zone in zone_of_network.items() if name != OVERLAY}
    for zone, found in records.items():
        yield zone, found, zone in updated
