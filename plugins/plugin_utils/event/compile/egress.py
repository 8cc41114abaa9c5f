# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of role egress: what comes out of the tunnel goes to the internet under the egress host's own address."""

from __future__ import annotations

from typing import Any

from ..model import Event, Host
from ..schema import NEBULA_DEVICE
from ..secret_paths import SecretPaths

SSH_PORT = 22
DNS_PORT = 53


def variables(event: Event, host: Host, secrets: SecretPaths) -> dict[str, Any]:
    """SSH is open from everywhere: it is the only way to the host before the overlay stands."""
    return {
        "egress_public_interface": host.uplink_interfaces[0].name,
        "egress_tunnel_interface": NEBULA_DEVICE,
        "egress_sources": [str(network.cidr) for network in event.exiting if network.exit == host.name],
        "egress_accept": [
            {"interface": None, "protocol": "tcp", "ports": [SSH_PORT]},
            {"interface": None, "protocol": "udp", "ports": [event.overlay_port]},
            {"interface": NEBULA_DEVICE, "protocol": "udp", "ports": [DNS_PORT]},
            {"interface": NEBULA_DEVICE, "protocol": "tcp", "ports": [DNS_PORT]},
        ],
    }
