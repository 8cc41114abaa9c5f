# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of role base: who the host is and who may log in."""

from __future__ import annotations

from typing import Any

from ..model import Event, Host
from ..secret_paths import SecretPaths


def variables(event: Event, host: Host, secrets: SecretPaths) -> dict[str, Any]:
    """Every host trusts the event's CA, so that it can use the published names. Nobody is banned where the crew logs
    in from."""
    return {
        "base_hostname": host.name,
        "base_timezone": event.timezone,
        "base_admins": [{"name": name, "keys": list(keys)} for name, keys in event.admins.items()],
        "base_ca_certificate_files": [secrets.tls_ca_certificate] if event.publish else [],
        "base_fail2ban_ignore": [str(event.cidr_of(zone)) for zone in event.manage],
    }
