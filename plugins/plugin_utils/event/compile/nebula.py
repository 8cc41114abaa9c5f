# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of role nebula: the overlay, and the tunnel all internet traffic of the site goes through.

The router stands for the networks (they are the subnets of its certificate), the exit stands for the internet
(0.0.0.0/0). Hosts on site speak to the router only, over their network: a tunnel of their own to the exit would travel
inside the router's tunnel.
"""

from __future__ import annotations

from typing import Any

from ..model import Event, Host
from ..schema import NEBULA_DEVICE, OVERLAY
from ..secret_paths import SecretPaths

EVERYWHERE = "0.0.0.0/0"
RENEW_BEFORE_DAYS = 30


def variables(event: Event, host: Host, secrets: SecretPaths) -> dict[str, Any]:
    """See roles/nebula/meta/argument_specs.yml for each."""
    return {
        "nebula_device": NEBULA_DEVICE,
        "nebula_address": f"{host.overlay}/{event.overlay.prefixlen}",
        "nebula_groups": list(host.classes),
        "nebula_subnets": _subnets(event, host),
        "nebula_port": event.overlay_port,
        "nebula_mtu": event.overlay_mtu,
        "nebula_lighthouse": host.lighthouse,
        "nebula_relay": host.relay,
        "nebula_lighthouses": _lighthouses(event, host),
        "nebula_relays": _relays(event, host),
        "nebula_unsafe_routes": _unsafe_routes(event, host),
        "nebula_remote_allow_list": _remote_allow_list(event, host),
        "nebula_inbound": _inbound(event, host),
        "nebula_outbound": [{"port": "any", "protocol": "any", "host": "any"}],
        "nebula_ca_certificate_file": secrets.nebula_ca_certificate,
        "nebula_ca_key_file": secrets.nebula_ca_key,
        "nebula_renew_before": RENEW_BEFORE_DAYS,
    }


def _lans(event: Event) -> list[str]:
    return [str(network.cidr) for network in event.networks.values()]


def _subnets(event: Event, host: Host) -> list[str]:
    if host.is_a("router"):
        return _lans(event)
    return [EVERYWHERE] if host is event.exit else []


def _knows_only_the_router(event: Event, host: Host) -> bool:
    return host.on_site and not host.is_a("router")


def _lighthouses(event: Event, host: Host) -> list[dict[str, Any]]:
    """Those the host can reach by itself: the router over a shared network, others by their public address."""
    if _knows_only_the_router(event, host):
        endpoints = [f"{event.router_addresses[i.network or '']}:{event.overlay_port}" for i in host.lan_interfaces]
        return [{"address": str(event.router.overlay), "endpoints": endpoints}]
    return [
        {"address": str(other.overlay), "endpoints": [f"{other.public_address}:{event.overlay_port}"]}
        for other in event.public_lighthouses
        if other is not host
    ]


def _relays(event: Event, host: Host) -> list[str]:
    """A relay itself takes no other's help."""
    if host.relay:
        return []
    if _knows_only_the_router(event, host):
        return [str(event.router.overlay)] if event.router.relay else []
    return [str(other.overlay) for other in event.public_lighthouses if other.relay]


def _unsafe_routes(event: Event, host: Host) -> list[dict[str, Any]]:
    """The router sends to the exit, and hosts on site send to the router, what their routing tables put on the tunnel:
    see compile/network.py. Hosts elsewhere reach the networks by the router."""
    router = str(event.router.overlay)
    if host.is_a("router"):
        return [{"route": EVERYWHERE, "via": str(event.exit.overlay), "install": False}] if event.exit else []
    if host.on_site:
        return [{"route": str(network.cidr), "via": router, "install": False} for network in event.reaching_overlay]
    if host is event.exit:
        return [{"route": lan, "via": router, "install": True} for lan in _lans(event)]
    reachable = [network for network in event.networks.values() if event.allows(OVERLAY, network.name)]
    return [{"route": str(network.cidr), "via": router, "install": True} for network in reachable]


def _remote_allow_list(event: Event, host: Host) -> dict[str, bool]:
    """Where other nodes may be reached underneath the overlay: never through the overlay itself."""
    if _knows_only_the_router(event, host):
        return {EVERYWHERE: False} | dict.fromkeys(_lans(event), True)
    refused = [str(event.overlay)] if host.is_a("router") else [str(cidr) for cidr in event.inside]
    return {EVERYWHERE: True} | dict.fromkeys(refused, False)


def _inbound(event: Event, host: Host) -> list[dict[str, Any]]:
    """The overlay's members reach one another; networks reach what `access` says."""
    own = f"{host.overlay}/32"
    overlay = str(event.overlay)
    sources = [overlay, *(str(network.cidr) for network in event.reaching_overlay)]
    rules = [_any_rule(source, own) for source in sources]
    if host.is_a("router"):
        targets = [network for network in event.networks.values() if event.allows(OVERLAY, network.name)]
        rules += [_any_rule(overlay, str(network.cidr)) for network in targets]
    if host is event.exit:
        rules += [_any_rule(str(network.cidr), EVERYWHERE) for network in event.exiting]
    return rules


def _any_rule(source: str, target: str) -> dict[str, Any]:
    return {"port": "any", "protocol": "any", "cidr": source, "local_cidr": target}
