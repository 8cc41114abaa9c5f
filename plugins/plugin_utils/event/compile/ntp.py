# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of role ntp: the router asks the outside and serves everybody on site."""

from __future__ import annotations

from typing import Any

from ..model import Event, Host
from ..secret_paths import SecretPaths

LOCAL_STRATUM = 10  # the site keeps one time among itself when the outside cannot be reached


def variables(event: Event, host: Host, secrets: SecretPaths) -> dict[str, Any]:
    """Hosts on site ask the router, by the interface they prefer; the others ask the outside."""
    found: dict[str, Any] = {"ntp_servers": list(event.time_servers), "ntp_allow": [], "ntp_local_stratum": None}
    if host.is_a("router"):
        found["ntp_allow"] = [*(str(network.cidr) for network in event.networks.values()), str(event.overlay)]
        found["ntp_local_stratum"] = LOCAL_STRATUM
    elif host.on_site:
        found["ntp_servers"] = [str(event.router_addresses[host.lan_interfaces[0].network or ""])]
    return found | {"ntp_control_clock": True}
