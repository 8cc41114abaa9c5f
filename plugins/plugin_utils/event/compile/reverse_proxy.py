# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of role reverse_proxy: the published names, in front of the caches that serve them."""

from __future__ import annotations

from typing import Any

from ..model import Cache, Event, Host
from ..secret_paths import SecretPaths
from .nix import NAR_SERVER_PORT

# What a cache counts is for the crew, which asks the cache itself.
HIDDEN_PATHS = ["/metrics"]


def variables(event: Event, host: Host, secrets: SecretPaths) -> dict[str, Any]:
    """The first cache of a name answers; the others are asked when it does not."""
    return {
        "reverse_proxy_sites": [
            {
                "name": publication.name,
                "certificate_file": secrets.certificate(publication.name),
                "key_file": secrets.certificate_key(publication.name),
                "allow": [str(event.networks[network].cidr) for network in publication.to],
                "hidden_paths": HIDDEN_PATHS,
                "backends": [
                    {
                        "address": backend_address(event, event.caches[name]),
                        "port": NAR_SERVER_PORT,
                        "backup": index > 0,
                    }
                    for index, name in enumerate(publication.caches)
                ],
            }
            for publication in event.publish.values()
        ]
    }


def backend_address(event: Event, cache: Cache) -> str:
    """The address of a cache on the network it prefers."""
    host = event.hosts[cache.host or ""]
    return next(str(interface.address) for interface in host.lan_interfaces if interface.address)
