# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of role firewall: what `access`, `manage` and `publish` allow through the router and to it; everything
else is dropped.

Zones are the networks, "overlay" (the tunnel device) and "uplink". The internet lies behind the overlay: it is
everything there that is not the event's own address space.
"""

from __future__ import annotations

from typing import Any

from ..model import Event, Host
from ..schema import INTERNET, NEBULA_DEVICE, OVERLAY
from ..secret_paths import SecretPaths

UPLINK = "uplink"
SSH_PORT, DNS_PORT, DHCP_PORT, HTTP_PORT, NTP_PORT, HTTPS_PORT = 22, 53, 67, 80, 123, 443


def variables(event: Event, host: Host, secrets: SecretPaths) -> dict[str, Any]:
    """Nothing is masqueraded on the router: the egress host does, and nothing of the networks leaves by an uplink."""
    zones = {name: [interface.name] for name, interface in event.router_interfaces.items()}
    return {
        "firewall_zones": zones | {OVERLAY: [NEBULA_DEVICE], UPLINK: [i.name for i in host.uplink_interfaces]},
        "firewall_input": _input(event),
        "firewall_forward": _forward(event),
        "firewall_redirect": [
            _redirect(event, "udp", DNS_PORT, "DNS is answered here"),
            _redirect(event, "tcp", DNS_PORT, "DNS is answered here"),
            _redirect(event, "udp", NTP_PORT, "time is served here"),
        ],
        "firewall_masquerade": [],
        "firewall_uplink_zones": [UPLINK],
        "firewall_antispoof_zones": list(zones),
    }


def _input(event: Event) -> list[dict[str, Any]]:
    lans = list(event.networks)
    inside = [*lans, OVERLAY]
    published = {name for publication in event.publish.values() for name in publication.to}
    rules: list[dict[str, Any]] = [
        {"zones": inside, "protocol": "icmp", "ports": [], "comment": "ping"},
        {"zones": inside, "protocol": "udp", "ports": [DNS_PORT], "comment": "DNS"},
        {"zones": inside, "protocol": "tcp", "ports": [DNS_PORT], "comment": "DNS"},
        {"zones": inside, "protocol": "udp", "ports": [NTP_PORT], "comment": "time"},
        {"zones": lans, "protocol": "udp", "ports": [DHCP_PORT], "comment": "DHCP"},
        {"zones": list(event.manage), "protocol": "tcp", "ports": [SSH_PORT], "comment": "management"},
        {"zones": [UPLINK, *lans], "protocol": "udp", "ports": [event.overlay_port], "comment": "overlay"},
    ]
    if published:
        zones = [name for name in lans if name in published]
        ports = [HTTP_PORT, HTTPS_PORT]
        rules.append({"zones": zones, "protocol": "tcp", "ports": ports, "comment": "published names"})
    return rules


def _forward(event: Event) -> list[dict[str, Any]]:
    return [_rule(event, source, target) for source, targets in event.access.items() for target in targets]


def _rule(event: Event, source: str, target: str) -> dict[str, Any]:
    comment = f"{source} may reach {target}"
    if target == INTERNET:
        inside = [str(cidr) for cidr in event.inside]
        return {"from": source, "to": OVERLAY, "except_destinations": inside, "comment": comment}
    return {"from": source, "to": target, "destinations": [str(event.cidr_of(target))], "comment": comment}


def _redirect(event: Event, protocol: str, port: int, comment: str) -> dict[str, Any]:
    return {"zones": list(event.networks), "protocol": protocol, "port": port, "comment": comment}
