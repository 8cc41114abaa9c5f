# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client's links: its leases and addresses, as systemd-networkd and the kernel tell them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from .command import run
from .model import NotAskedError, Options, Seen

IPV4 = 2  # AF_INET, which networkctl writes as a number


def _addresses(entries: Iterable[Mapping[str, Any]], key: str = "Address") -> list[str]:
    """The IPv4 addresses that DHCP gave, of one of networkctl's lists."""
    return [
        str(IPv4Address(bytes(entry[key])))
        for entry in entries
        if entry.get("ConfigSource") == "DHCPv4" and entry.get("Family") == IPV4 and key in entry
    ]


def leases(description: Mapping[str, Any]) -> list[dict[str, list[str]]]:
    """The leases in ``networkctl --json=short list``: of each link that has one, the values by field."""
    found = []
    for link in description.get("Interfaces", []):
        if address := _addresses(link.get("Addresses", [])):
            domains = [entry["Domain"] for entry in link.get("SearchDomains", []) if entry["ConfigSource"] == "DHCPv4"]
            found.append(
                {
                    "address": address,
                    "router": _addresses(link.get("Routes", []), "Gateway"),
                    "dns": _addresses(link.get("DNS", [])),
                    "ntp": _addresses(link.get("NTP", [])),
                    # networkd lists the domain name (option 15) and the search list (119) one after the other
                    "search": list(dict.fromkeys(domains)),
                }
            )
    return found


def lease_in(network: str, timeout: float) -> dict[str, list[str]]:
    """This client's lease on ``network`` (CIDR), else its first. Raises NotAskedError when it has none."""
    answer = run(["networkctl", "--json=short", "list"], timeout)
    try:
        found = leases(json.loads(answer.stdout))
    except ValueError as error:
        raise NotAskedError("systemd-networkd tells nothing about this client's links: is it running?") from error
    if not found:
        raise NotAskedError("no lease from DHCP")
    cidr = IPv4Network(network)
    return next((lease for lease in found if IPv4Address(lease["address"][0]) in cidr), found[0])


def matches(field: str, expected: Sequence[str], seen: Sequence[str]) -> bool:
    """Whether a lease's field is as expected: the address is one of the range, anything else is the same list."""
    if field != "address":
        return list(dict.fromkeys(seen)) == list(expected)
    first, last = IPv4Address(expected[0]), IPv4Address(expected[-1])
    return any(first <= IPv4Address(address) <= last for address in seen)


def lease(options: Options) -> Seen:
    """One field of the client's lease."""
    seen = list(dict.fromkeys(lease_in(options["network"], options["timeout"])[options["field"]]))
    return Seen(", ".join(seen) or "none", matches(options["field"], options["expected"], seen))


def addresses_of(links: Iterable[Mapping[str, Any]], mac: str) -> list[str]:
    """The global IPv4 addresses of the links with ``mac``, from ``ip -json address``."""
    return [
        entry["local"]
        for link in links
        if link.get("address", "").lower() == mac.lower()
        for entry in link.get("addr_info", [])
        if entry["family"] == "inet" and entry["scope"] == "global"
    ]


def address(options: Options) -> Seen:
    """The address of the interface with a MAC."""
    links = json.loads(run(["ip", "-json", "address"], options["timeout"]).stdout)
    seen = addresses_of(links, options["mac"])
    return Seen(", ".join(seen) or "none", set(options["expected"]) <= set(seen))
