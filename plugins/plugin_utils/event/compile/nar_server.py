# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of role nar_server: the binary cache a cache host serves from its Nix store."""

from __future__ import annotations

from typing import Any

from ..model import Event, Host
from ..secret_paths import SecretPaths
from .nix import NAR_SERVER_PORT


def variables(event: Event, host: Host, secrets: SecretPaths) -> dict[str, Any]:
    """It serves what it or a cache elsewhere has signed."""
    cache = event.cache_of_host[host.name]
    return {
        "nar_server_listen": [f"0.0.0.0:{NAR_SERVER_PORT}"],
        "nar_server_priority": cache.priority,
        "nar_server_signing_key_files": [secrets.nix_key(cache.name)],
        "nar_server_trusted_public_keys": [upstream.key for upstream in event.upstream_caches],
        "nar_server_policy": "vouched",
        "nar_server_store_dir": "/nix/store",
    }
