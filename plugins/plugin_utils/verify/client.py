# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The questions a client asks, made of what the event promises (see plugin_utils/event/compile/verify.py).

A question is one entry of the option `probes` of M(nixvegas.noc.probe).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Probe = dict[str, Any]
Promises = Mapping[str, Any]

NIX_TIMEOUT = 120
PAGE_TIMEOUT = 8
REFUSED = 403
DDNS_DELAY = 10  # a lease of a moment ago is in the DNS some seconds later
RECOVERY = 90  # seconds until a tunnel that was stopped carries traffic again


class VerifyError(Exception):
    """The variables of a client do not say what is needed; says which, and what to do."""


def network_of(promises: Promises) -> tuple[str, Mapping[str, Any]]:
    """The client's network: its name and what is promised there. Raises VerifyError when it is unknown."""
    networks = promises.get("verify_networks") or {}
    name = promises.get("verify_network")
    if name not in networks:
        known = ", ".join(networks) or "none, because the inventory is not compiled from an event file"
        raise VerifyError(
            f"verify_network: {name!r} is not a network of the event; set it for each client to one of: {known}"
        )
    return str(name), networks[name]


def lease_probes(network: Mapping[str, Any]) -> Iterator[Probe]:
    """The lease: an address of the pool, and what DHCP tells beside it."""
    if not (pool := network["pool"]):
        return
    fields = {
        "address": [pool["first"], pool["last"]],
        "router": [network["router"]],
        "dns": network["resolvers"],
        "ntp": network["ntp_servers"],
        "search": network["search"],
    }
    for field, expected in fields.items():
        shown = f"{pool['first']} to {pool['last']}" if field == "address" else ""
        yield {
            "kind": "lease",
            "what": f"lease: {field}",
            "network": network["cidr"],
            "field": field,
            "expected": list(expected),
            "expect": shown,
        }
    for record_type, what in (("A", "own name by DHCP"), ("PTR", "own reverse name by DHCP")):
        yield {
            "kind": "own_name",
            "what": what,
            "network": network["cidr"],
            "domain": network["domain"],
            "server": network["resolvers"][0],
            "type": record_type,
            "wait": DDNS_DELAY,
            "expect": "the leased address" if record_type == "A" else f"this client's name in {network['domain']}",
        }


def name_probes(promises: Promises, network: Mapping[str, Any]) -> Iterator[Probe]:
    """Every name of the event, asked of our resolver; and one of them asked of resolvers outside."""
    records = promises["verify_names"]
    groups = {"A": "names", "PTR": "reverse names"}
    for record in records:
        yield {
            "kind": "resolve",
            "group": groups[record["type"]],
            "what": record["name"],
            "server": network["resolvers"][0],
            **{key: record[key] for key in ("name", "type")},
            "expected": list(record["data"]),
        }
    for known in [record for record in records if record["type"] == "A"][:1]:
        for resolver in promises["verify_foreign_resolvers"]:
            for protocol in ("udp", "tcp"):
                yield {
                    "kind": "resolve",
                    "what": f"{known['name']} asked of {resolver} ({protocol})",
                    "server": resolver,
                    "protocol": protocol,
                    "name": known["name"],
                    "expected": list(known["data"]),
                }


def time_probes(promises: Promises, network: Mapping[str, Any]) -> Iterator[Probe]:
    """The router's time; and time asked of a host outside that serves none, which the router answers."""
    outside = promises["verify_foreign_resolvers"][:1]
    for server, what in [
        *((server, f"time of {server}") for server in network["ntp_servers"]),
        *((server, f"time asked of {server}, answered by the router") for server in outside),
    ]:
        yield {"kind": "ntp", "what": what, "server": server, "expect": "synchronised, within 1 s"}


def access_probes(promises: Promises, name: str) -> Iterator[Probe]:
    """Each port the event opens or closes to clients of this network."""
    for rule in promises["verify_access"]:
        if rule["network"] == name:
            port = f"{rule['address']}:{rule['port']}"
            yield {
                "kind": "reach",
                "group": f"{rule['target']} is {rule['expected']} to {name}",
                "what": f"{rule['target']} {port} ({rule['why']})",
                "address": rule["address"],
                "protocol": rule["protocol"],
                "port": rule["port"],
                "expected": [rule["expected"]],
            }


def realise_probe(promises: Promises, cache: Mapping[str, Any], what: str, authorities: str) -> Probe:
    """Upstream's closure, from one of our caches only, with no key but upstream's."""
    return {
        "kind": "nix_realise",
        "what": what,
        "path": promises["verify_upstream_closure"],
        "substituters": [cache["url"]],
        "trusted_public_keys": list(cache["trusted_public_keys"]),
        "program": promises.get("verify_upstream_program"),
        "output": promises.get("verify_upstream_output"),
        "ca_certificates": authorities,
        "expected": [cache["url"]],
        "expect": f"all from {cache['url']}, signed by {', '.join(signers(cache))}",
        "timeout": NIX_TIMEOUT,
    }


def signers(cache: Mapping[str, Any]) -> list[str]:
    """The names of the keys a client of this cache trusts."""
    return [key.split(":")[0] for key in cache["trusted_public_keys"]]


def caches_of(promises: Promises, name: str) -> list[Mapping[str, Any]]:
    """The published caches for clients of this network."""
    return [cache for cache in promises["verify_caches"] if name in cache["networks"]]


def refused_cache_probes(promises: Promises, name: str, authorities: str) -> Iterator[Probe]:
    """Names published to other networks only, where this network's own names open the port."""
    if not caches_of(promises, name):
        return
    for cache in promises["verify_caches"]:
        if name not in cache["networks"]:
            yield {
                "kind": "http",
                "what": f"{cache['url']} is refused to {name}",
                "url": f"{cache['url']}/nix-cache-info",
                "ca_certificates": authorities,
                "status": REFUSED,
                "expect": f"status {REFUSED}",
                "timeout": PAGE_TIMEOUT,
            }


def one_cache_probes(promises: Promises, cache: Mapping[str, Any], authorities: str) -> Iterator[Probe]:
    """A published cache: its name and certificate, its store, upstream's closure from it."""
    yield {
        "kind": "http",
        "what": f"{cache['url']}, its certificate and store",
        "url": f"{cache['url']}/nix-cache-info",
        "ca_certificates": authorities,
        "expected": ["StoreDir: /nix/store"],
        "timeout": PAGE_TIMEOUT,
    }
    if promises.get("verify_upstream_closure"):
        yield realise_probe(promises, cache, f"closure from {cache['name']}", authorities)


def page_probe(promises: Promises, name: str, what: str) -> list[Probe]:
    """The internet's view of the client: one question, or none where it cannot be asked."""
    address, page = promises["verify_egress"].get(name), promises.get("verify_address_page")
    if not (address and page):
        return []
    return [{"kind": "http", "what": what, "url": page, "expected": [address], "timeout": PAGE_TIMEOUT}]


def client_probes(promises: Promises, authorities: str = "") -> list[Probe]:
    """All questions of a client that interrupt nothing.

    ``promises``: the client's variables. ``authorities``: certificates in PEM that clients of the event trust.
    """
    name, network = network_of(promises)
    return [
        *lease_probes(network),
        *name_probes(promises, network),
        *time_probes(promises, network),
        *access_probes(promises, name),
        *(probe for cache in caches_of(promises, name) for probe in one_cache_probes(promises, cache, authorities)),
        *refused_cache_probes(promises, name, authorities),
        *page_probe(promises, name, "address the internet sees"),
    ]


def failover_probes(promises: Promises, authorities: str = "") -> list[Probe]:
    """The questions while the first server of each cache is stopped: the next one answers."""
    name, _network = network_of(promises)
    return [
        {**probe, "what": f"{probe['what']}, {cache['backends'][0]['host']} stopped"}
        for cache in caches_of(promises, name)
        if len(cache["backends"]) > 1
        for probe in one_cache_probes(promises, cache, authorities)
    ]


def first_servers(promises: Promises) -> list[str]:
    """The hosts whose server can be stopped, because another one takes over."""
    backends = [cache["backends"] for cache in promises["verify_caches"] if len(cache["backends"]) > 1]
    return sorted({servers[0]["host"] for servers in backends})


def recovery_probes(promises: Promises) -> list[Probe]:
    """The questions once the tunnel is back."""
    name, _network = network_of(promises)
    probes = page_probe(promises, name, "address the internet sees, the tunnel back")
    return [{**probe, "wait": RECOVERY} for probe in probes]
