# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof that nothing of a client leaves beside the tunnel: what clients try, and what the router watches for."""

from __future__ import annotations

from .client import Probe, Promises, network_of

# TEST-NET-1 (RFC 5737): no host is there, so packets to it are clients', whatever source they show after translation.
NOWHERE = "192.0.2.0/24"
NOWHERE_HOSTS = ("192.0.2.17", "192.0.2.118")
MARKER = "tunnel-down"
TCP_PORTS = (80, 443, 853, 5000)
UDP_PORTS = (443, 5000, 51820)


def tries(promises: Promises) -> list[Probe]:
    """What a client does to get out: TCP, UDP, ICMP, and names nobody else asks for. All of it must fail."""
    name, network = network_of(promises)
    if name not in promises["verify_egress"]:
        return []
    resolvers = [network["resolvers"][0], *promises["verify_foreign_resolvers"]]
    hosts = (*NOWHERE_HOSTS, promises["verify_egress"][name], *promises["verify_foreign_resolvers"])
    ways = [
        *(("icmp", host, None) for host in hosts),
        *(("tcp", host, port) for host in hosts for port in TCP_PORTS),
        *(("udp", host, port) for host in hosts for port in UDP_PORTS),
    ]
    group = "the internet, the tunnel down"
    return [
        *(
            {
                "kind": "reach",
                "group": group,
                "what": f"{group}: {host} by {protocol} {port or ''}".rstrip(),
                "protocol": protocol,
                "address": host,
                "port": port,
                "expected": ["closed"],
                "timeout": 2,
            }
            for protocol, host, port in ways
        ),
        *(
            {
                "kind": "resolve",
                "group": group,
                "what": f"{group}: a name asked of {resolver} by {protocol}",
                "name": f"{MARKER}-{number}-{protocol}.{name}.example.com",
                "server": resolver,
                "protocol": protocol,
                "expect": "closed",
                "timeout": 2,
            }
            for number, resolver in enumerate(resolvers)
            for protocol in ("udp", "tcp")
        ),
    ]


def watch_probes(promises: Promises) -> list[Probe]:
    """What the router does before the clients try. ``promises``: the variables of any client."""
    return [{"kind": "watch", "what": f"packets on {promises['verify_router']}"}]


def capture_probes(promises: Promises) -> list[Probe]:
    """What must not have been on the router's uplinks while the clients tried. ``promises``: those of any client."""
    uplinks = [uplink for uplink in promises["verify_uplinks"] if uplink["host"] == promises["verify_router"]]
    networks = promises["verify_networks"]
    return [
        {
            "kind": "capture",
            "what": f"clients' packets on {', '.join(uplink['interface'] for uplink in uplinks)}, the tunnel down",
            "uplinks": [uplink["interface"] for uplink in uplinks],
            "clients": [networks[name]["cidr"] for name in promises["verify_egress"]],
            "targets": [NOWHERE],
            "marker": MARKER,
            "expect": "no packet",
        }
    ]
