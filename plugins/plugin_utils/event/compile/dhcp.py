# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of role dhcp: leases and reservations on every network with a pool or a host of known MAC."""

from __future__ import annotations

from typing import Any

from ..model import Event, Host, Network
from ..secret_paths import SecretPaths
from .dns import AUTHORITATIVE_ADDRESS, AUTHORITATIVE_PORT, UPDATE_KEY, UPDATE_KEY_ALGORITHM, reverse_zone

LARGEST_VLAN = 4094


def variables(event: Event, host: Host, secrets: SecretPaths) -> dict[str, Any]:
    """Kea keeps leases by subnet id: the VLAN id, or else one beyond all VLANs by the position in the file."""
    return {
        "dhcp_subnets": [
            _subnet(event, index, network, found)
            for index, network in enumerate(event.networks.values(), start=1)
            if (found := reservations(event, network.name)) or network.pool
        ],
        "dhcp_taken_names": sorted({*event.hosts, *(name.split(".")[0] for name in event.publish)}),
        "dhcp_ddns": {
            "server": AUTHORITATIVE_ADDRESS,
            "port": AUTHORITATIVE_PORT,
            "key_name": UPDATE_KEY,
            "key_algorithm": UPDATE_KEY_ALGORITHM,
            "key_file": secrets.tsig(UPDATE_KEY),
        },
    }


def _subnet(event: Event, number: int, network: Network, reserved: list[dict[str, str]]) -> dict[str, Any]:
    router = str(event.router_addresses[network.name])
    subnet: dict[str, Any] = {
        "id": network.vlan or LARGEST_VLAN + number,
        "cidr": str(network.cidr),
        "interface": event.router_interfaces[network.name].name,
        "router": router,
        "resolvers": [router],
        "ntp_servers": [router],
        "domain": event.network_domain(network.name),
        "search": [event.network_domain(network.name), event.domain],
        "lease_seconds": network.lease_seconds,
        "reservations": reserved,
        "forward_zone": event.domain,
        "reverse_zone": reverse_zone(network.cidr),
    }
    return subnet | {"pool": f"{network.pool.first}-{network.pool.last}"} if network.pool else subnet


def reservations(event: Event, network: str) -> list[dict[str, str]]:
    """The hosts of a network that get their fixed address by DHCP."""
    return [
        {"mac": interface.mac, "address": str(interface.address), "hostname": host.name}
        for host, interface in event.stations[network]
        if interface.mac and interface.address and not host.is_a("router")
    ]
