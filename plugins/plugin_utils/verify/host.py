# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The questions asked on the event's own hosts."""

from __future__ import annotations

from .client import NIX_TIMEOUT, Probe, Promises, signers


def reservation_probes(promises: Promises, host: str) -> list[Probe]:
    """A reserved host has its address."""
    return [
        {
            "kind": "address",
            "group": "reserved address",
            "what": f"reserved address on {name} ({reservation['mac']})",
            "mac": reservation["mac"],
            "expected": [reservation["address"]],
        }
        for name, network in promises["verify_networks"].items()
        for reservation in network["reservations"]
        if reservation["host"] == host
    ]


def upstream_probes(promises: Promises, host: str) -> list[Probe]:
    """A cache host has the closure that clients will fetch, with upstream's signatures checked."""
    path = promises.get("verify_upstream_closure")
    serving = [
        cache
        for cache in promises["verify_caches"]
        if cache["upstream"] and host in [backend["host"] for backend in cache["backends"]]
    ]
    if not (path and serving):
        return []
    cache = serving[0]
    return [
        {
            "kind": "nix_realise",
            "what": "closure from upstream, through the overlay",
            "path": path,
            "substituters": list(cache["upstream"]),
            "trusted_public_keys": list(cache["trusted_public_keys"]),
            "delete": False,
            "expect": f"signed by {', '.join(signers(cache))}",
            "timeout": NIX_TIMEOUT,
        }
    ]


def host_probes(promises: Promises, host: str) -> list[Probe]:
    """All questions on one of the event's hosts. ``promises``: the variables of any client."""
    return [*reservation_probes(promises, host), *upstream_probes(promises, host)]
