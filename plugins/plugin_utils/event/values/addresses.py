# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses: IPv4, Ethernet, and ranges of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network

from .errors import WrongValueError

SMALLEST_PREFIX_LENGTH, LARGEST_PREFIX_LENGTH = 8, 30
SPECIAL_NETWORKS = tuple(
    IPv4Network(network) for network in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4")
)
MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
DOTTED = re.compile(r"0*([0-9]+)\.0*([0-9]+)\.0*([0-9]+)\.0*([0-9]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Pool:
    """The addresses a DHCP server hands out, both ends included."""

    first: IPv4Address
    last: IPv4Address

    def __contains__(self, address: IPv4Address) -> bool:
        return self.first <= address <= self.last


def address(written: str) -> IPv4Address:
    """An IPv4 address."""
    try:
        return IPv4Address(written)
    except ValueError:
        raise _no_address(written) from None


def outside_address(written: str) -> IPv4Address:
    """An IPv4 address of a machine elsewhere."""
    found = address(written)
    special = special_network(found)
    if special:
        raise WrongValueError(f"is within {special}, which no host can use", "write an address of a host elsewhere")
    return found


def special_network(found: IPv4Address) -> IPv4Network | None:
    """The network of addresses no host can use that an address is in, if it is."""
    return next((special for special in SPECIAL_NETWORKS if found in special), None)


def _no_address(written: str) -> WrongValueError:
    if _is_ipv6(written):
        return WrongValueError("is an IPv6 address", "write an IPv4 address: an event is IPv4 only")
    if "/" in written:
        return WrongValueError("is not an address", f"leave out the prefix length: {written.split('/', maxsplit=1)[0]}")
    plain = _without_leading_zeros(written)
    if plain:
        return WrongValueError("has leading zeros, which may mean octal", f"write {plain}")
    return WrongValueError("is not an IPv4 address", "write four numbers from 0 to 255, such as 10.4.0.3")


def _without_leading_zeros(written: str) -> str | None:
    """The address somebody means who writes 010.004.000.001."""
    match = DOTTED.fullmatch(written)
    plain = ".".join(match.groups()) if match else ""
    try:
        return str(IPv4Address(plain))
    except ValueError:
        return None


def _is_ipv6(written: str) -> bool:
    try:
        IPv6Network(written, strict=False)
    except ValueError:
        return False
    return True


def cidr(written: str) -> IPv4Network:
    """An IPv4 network of at least two hosts; its first address is written, not a host's."""
    example = "write ADDRESS/PREFIX, such as 10.4.0.0/24"
    if _is_ipv6(written):
        raise WrongValueError("is IPv6", "write an IPv4 network: an event is IPv4 only")
    if "/" not in written:
        raise WrongValueError("is not a network", example)
    try:
        network = IPv4Network(written, strict=False)
    except ValueError:
        raise WrongValueError("is not an IPv4 network", example) from None
    if not SMALLEST_PREFIX_LENGTH <= network.prefixlen <= LARGEST_PREFIX_LENGTH:
        remedy = f"use a prefix length from {SMALLEST_PREFIX_LENGTH} to {LARGEST_PREFIX_LENGTH}"
        raise WrongValueError("is too large or too small a network", remedy)
    if str(network) != written:
        raise WrongValueError("is not the way a network is written", f"write {network}")
    special = next((special for special in SPECIAL_NETWORKS if network.overlaps(special)), None)
    if special:
        raise WrongValueError(f"is within {special}, which no host can use", "choose private addresses, RFC 1918")
    return network


def pool(written: str) -> Pool:
    """A range of addresses, FIRST-LAST."""
    first, _unused, last = written.partition("-")
    try:
        found = Pool(IPv4Address(first.strip()), IPv4Address(last.strip()))
    except ValueError:
        remedy = "write FIRST-LAST, such as 10.4.0.128-10.4.0.254"
        raise WrongValueError("is not a range of addresses", remedy) from None
    if found.first > found.last:
        raise WrongValueError("runs backwards", f"write {found.last}-{found.first}")
    return found


def mac(written: str) -> str:
    """A unicast Ethernet address, in lower case with colons."""
    if MAC.fullmatch(written.lower()) is None:
        raise WrongValueError(
            "is not a MAC address", 'write six pairs of hexadecimal digits, such as "02:00:5e:04:01:03"'
        )
    if int(written[:2], 16) & 1:
        raise WrongValueError("is a multicast MAC address", "the first pair of digits must be even")
    if set(written) <= {"0", ":"}:
        raise WrongValueError("is no device's MAC address", "write the one on the device or in `ip link`")
    return written.lower()
