# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scalars of an event file: from the text that is written to a typed value.

Every function takes the text of one YAML scalar and returns the value, or raises `WrongValueError` saying what is
wrong and what would be right.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

from .mistakes import nearest

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
ZONE = re.compile(r"[a-z][a-z0-9-]{0,30}")  # a firewall zone: part of the name of an nftables set
SPECIAL_NETWORKS = tuple(
    ipaddress.IPv4Network(network)
    for network in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4")
)
MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,14}")
NIX_KEY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
SSH_KEY_TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
LONGEST_DOMAIN = 253
ED25519_KEY_BYTES = 32


class WrongValueError(ValueError):
    """A scalar that cannot be what it should be. `secret`: it must not be shown."""

    def __init__(self, problem: str, remedy: str, *, secret: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.secret = secret


@dataclass(frozen=True, slots=True)
class Pool:
    """The addresses a DHCP server hands out, both ends included."""

    first: ipaddress.IPv4Address
    last: ipaddress.IPv4Address

    def __contains__(self, address: ipaddress.IPv4Address) -> bool:
        return self.first <= address <= self.last


def text(written: str) -> str:
    """Any text but none."""
    if not written.strip():
        raise WrongValueError("is empty", "write some text")
    return written


def label(written: str) -> str:
    """A name that can be one label of a host name (RFC 1123), in lower case."""
    if LABEL.fullmatch(written) is None:
        raise WrongValueError(
            "is not a valid host name", "use 1 to 63 lower-case letters, digits and hyphens, no hyphen at either end"
        )
    return written


def zone(written: str) -> str:
    """A label that can also name a zone of the firewall."""
    if ZONE.fullmatch(label(written)) is None:
        raise WrongValueError("cannot name a firewall zone", "use at most 31 characters, a letter first")
    return written


def domain(written: str) -> str:
    """A domain name of two labels or more, without final dot."""
    labels = written.split(".")
    if len(written) > LONGEST_DOMAIN or len(labels) == 1 or any(LABEL.fullmatch(part) is None for part in labels):
        raise WrongValueError(
            "is not a domain name",
            'write lower-case labels joined by dots, without a dot at the end, such as "dc.nixos.lv"',
        )
    return written


def address(written: str) -> ipaddress.IPv4Address:
    """An IPv4 address."""
    try:
        return ipaddress.IPv4Address(written)
    except ValueError:
        if "/" in written:
            raise WrongValueError(
                "is not an address", f"leave out the prefix length: {written.split('/', maxsplit=1)[0]}"
            ) from None
        raise WrongValueError("is not an IPv4 address", "write four numbers from 0 to 255, such as 10.4.0.3") from None


def cidr(written: str) -> ipaddress.IPv4Network:
    """An IPv4 network of at least two hosts; its first address is written, not a host's."""
    if "/" not in written:
        raise WrongValueError("is not a network", "write ADDRESS/PREFIX, such as 10.4.0.0/24")
    try:
        network = ipaddress.IPv4Network(written, strict=False)
    except ValueError:
        raise WrongValueError("is not an IPv4 network", "write ADDRESS/PREFIX, such as 10.4.0.0/24") from None
    if str(network) != written:
        raise WrongValueError("is not the way a network is written", f"write {network}")
    if not 8 <= network.prefixlen <= 30:  # noqa: PLR2004
        raise WrongValueError("is too large or too small a network", "use a prefix length from 8 to 30")
    special = next((special for special in SPECIAL_NETWORKS if network.overlaps(special)), None)
    if special:
        raise WrongValueError(f"is within {special}, which no host can use", "choose private addresses, RFC 1918")
    return network


def pool(written: str) -> Pool:
    """A range of addresses, FIRST-LAST."""
    first, _unused, last = written.partition("-")
    try:
        found = Pool(ipaddress.IPv4Address(first.strip()), ipaddress.IPv4Address(last.strip()))
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
    return written.lower()


def interface(written: str) -> str:
    """A name the kernel takes for a network interface."""
    if INTERFACE.fullmatch(written) is None:
        raise WrongValueError(
            "is not an interface name", "use at most 15 letters, digits, dots, hyphens and underscores"
        )
    return written


def whole(least: int, most: int, what: str) -> Callable[[str], int]:
    """A reader of whole numbers from `least` to `most`; `what` names them in errors ("a metric")."""

    def number(written: str) -> int:
        if re.fullmatch(r"-?[0-9]+", written) is None or not least <= int(written) <= most:
            raise WrongValueError(f"is not {what}", f"write a whole number from {least} to {most}")
        return int(written)

    return number


def boolean(written: str) -> bool:
    """true or false."""
    if written not in ("true", "false"):
        raise WrongValueError("is neither true nor false", "write true or false")
    return written == "true"


@cache
def known_timezones() -> frozenset[str]:
    """All IANA time zone names this controller knows; empty when it has no time zone database."""
    return frozenset(zoneinfo.available_timezones())


def timezone(written: str) -> str:
    """An IANA time zone name."""
    known = known_timezones()
    if re.fullmatch(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*", written) is None or (known and written not in known):
        remedy = nearest(written, sorted(known), "time zones")
        if "did you" not in remedy:
            remedy = "write AREA/CITY, such as America/Los_Angeles, or Etc/UTC"
        raise WrongValueError("is not a time zone", remedy)
    return written


def server(written: str) -> str:
    """A host, by domain name or IPv4 address."""
    try:
        return str(ipaddress.IPv4Address(written))
    except ValueError:
        pass
    if re.fullmatch(r"[0-9.]+", written):
        return str(address(written))
    return domain(written)


def url(written: str) -> str:
    """An http or https URL without a final slash."""
    parts = urlsplit(written)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise WrongValueError("is not the URL of a binary cache", 'write one such as "https://cache.nixos.org"')
    return written.rstrip("/")


def _decoded(data: str) -> bytes | None:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None


def ssh_key(written: str) -> str:
    """A public SSH key: TYPE BASE64 [COMMENT], the type also inside the base64 (RFC 4253, 6.6)."""
    kind, _unused, rest = written.partition(" ")
    if "PRIVATE KEY" in written:
        remedy = "write the line of the .pub file, and replace that key: it is no longer secret"
        raise WrongValueError("holds a private key", remedy, secret=True)
    if kind not in SSH_KEY_TYPES:
        shown = ", ".join(SSH_KEY_TYPES[:2])
        raise WrongValueError("is not a public SSH key", f"write TYPE BASE64 [COMMENT], of type {shown} …")
    blob = _decoded(rest.partition(" ")[0])
    length, start = len(kind) + 4, b"\0\0\0" + bytes([len(kind)]) + kind.encode()
    if blob is None or not blob.startswith(start) or len(blob) <= length + 4:
        remedy = f"copy the whole line of the .pub file; after {kind} comes its base64"
        raise WrongValueError("is a damaged SSH key", remedy)
    if kind == "ssh-ed25519" and len(blob) != length + 4 + ED25519_KEY_BYTES:
        raise WrongValueError("is an SSH key of the wrong length", "copy the whole line of the .pub file")
    return written


def nix_key(written: str) -> str:
    """The name of a cache's own key, or NAME:BASE64, the public key of a cache elsewhere."""
    name, colon, data = written.partition(":")
    if NIX_KEY_NAME.fullmatch(name) is None:
        raise WrongValueError("is not the name of a signing key", 'write one such as "gvh-a.dc.nixos.lv-1"')
    if colon:
        key = _decoded(data)
        if key is not None and len(key) == 2 * ED25519_KEY_BYTES:
            remedy = "write the public one, and replace that key: it is no longer secret"
            raise WrongValueError("holds a private signing key", remedy, secret=True)
        if key is None or len(key) != ED25519_KEY_BYTES:
            remedy = "write NAME:BASE64 as in trusted-public-keys of nix.conf"
            raise WrongValueError("is not a public signing key", remedy)
    return written
