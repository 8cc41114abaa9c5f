# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of role nix: which caches a host asks, nearest first."""

from __future__ import annotations

from typing import Any

from ..model import Cache, Event, Host
from ..secret_paths import SecretPaths

NAR_SERVER_PORT = 5000


def variables(event: Event, host: Host, secrets: SecretPaths) -> dict[str, Any]:
    """Caches on a network the host is on too; failing that, published names that serve caches; then the caches
    elsewhere."""
    own = [cache for cache in event.own_caches if cache.host != host.name]
    near = [(cache, url) for cache in own if (url := cache_url(event, cache, host))]
    published = [] if near else _published(event, host)
    urls = [f"{url}?priority={cache.priority}" for cache, url in near]
    urls += [f"https://{name}?priority={caches[0].priority}" for name, caches in published]
    urls += [f"{cache.url}?priority={cache.priority}" for cache in event.upstream_caches]
    asked = [cache for cache, _unused in near] + [cache for _unused, caches in published for cache in caches]
    return {
        "nix_substituters": urls,
        "nix_trusted_public_keys": [cache.key for cache in event.upstream_caches],
        "nix_trusted_public_key_files": [
            secrets.nix_public_key(name) for name in dict.fromkeys(cache.name for cache in asked)
        ],
        "nix_settings": {},
    }


def cache_url(event: Event, cache: Cache, host: Host) -> str | None:
    """Where `host` reaches one of our caches over a network both are on, by the interface the cache prefers.

    A cache on the router is reached by its published names only: nothing else is open there.
    """
    if cache.host is None or cache.host == event.router.name:
        return None
    networks = {interface.network for interface in host.lan_interfaces}
    for interface in event.hosts[cache.host].lan_interfaces:
        if interface.network in networks and interface.address:
            return f"http://{cache.host}.{event.network_domain(interface.network or '')}:{NAR_SERVER_PORT}"
    return None


def _published(event: Event, host: Host) -> list[tuple[str, list[Cache]]]:
    networks = {interface.network for interface in host.lan_interfaces}
    found = []
    for publication in event.publish.values():
        caches = [event.caches[name] for name in publication.caches]
        if networks & set(publication.to) and all(cache.host != host.name for cache in caches):
            found.append((publication.name, sorted(caches, key=lambda cache: cache.priority)))
    return found
