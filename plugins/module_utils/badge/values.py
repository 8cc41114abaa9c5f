# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of single settings. Each returns the value as it is stored, or raises `Unsuitable`."""

from __future__ import annotations

import re
import ssl
from ipaddress import AddressValueError, IPv4Address

from .nvs import STRING_LENGTH

# The firmware's buffer has 32 bytes, one of them for the end.
SSID_BYTES = 31
NAME_BYTES = 31
STORE_BYTES = 255
# Nix reads priorities as a signed 32-bit integer.
MAX_PRIORITY = 2**31 - 1

_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"(?!.*\.?[0-9]+\Z)(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")
_STORE = re.compile(r"(/[A-Za-z0-9._+-]+)+")
_PASSPHRASE = re.compile("[ -~]{8,63}")


class Unsuitable(ValueError):  # noqa: N818 (it is read as "value X: unsuitable")
    """What is wrong with a value and what would be right: the rest of a sentence about it."""


def name(value: object) -> str:
    """Whose badge it is."""
    return _text(value, NAME_BYTES)


def ssid(value: object) -> str:
    """The name of a Wi-Fi network."""
    return _text(value, SSID_BYTES)


def passphrase(value: object) -> str:
    """A WPA passphrase (IEEE 802.11: 8 to 63 printable ASCII characters)."""
    if not isinstance(value, str):
        raise Unsuitable("is no text; quote it if it looks like a number")
    if not _PASSPHRASE.fullmatch(value):
        raise Unsuitable(f"has {len(value)} characters; a WPA passphrase has 8 to 63, all printable ASCII")
    return value


def host(value: object) -> str:
    """A host name (RFC 1123) or an IPv4 address."""
    if isinstance(value, str):
        try:
            return str(IPv4Address(value))
        except AddressValueError:
            if _HOST.fullmatch(value):
                return value
    raise Unsuitable("is no host; write its name or IPv4 address without https://, port or path, as cache.example.org")


def certificate(value: object) -> str:
    """PEM text of one or more X.509 certificates."""
    if not isinstance(value, str):
        raise Unsuitable("is no text; give the content of a PEM file")
    if "PRIVATE KEY" in value:
        raise Unsuitable("has a private key in it, which every badge would carry; give the certificate alone")
    if len(value) > STRING_LENGTH:
        raise Unsuitable(f"has {len(value)} bytes; a badge can hold {STRING_LENGTH}")
    try:
        value.encode("ascii")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=value)
    except (ssl.SSLError, ValueError):
        raise Unsuitable("is no certificate; give the content of a PEM file (-----BEGIN CERTIFICATE-----)") from None
    return value


def priority(value: object) -> int:
    """A cache's priority; the lowest is asked first. Digits in a text are taken too."""
    number = int(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,10}", value) else value
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= MAX_PRIORITY:
        raise Unsuitable(f"is no priority; write an integer from 0 to {MAX_PRIORITY}")
    return number


def store(value: object) -> str:
    """The folder of a Nix store."""
    if not isinstance(value, str) or not _STORE.fullmatch(value) or len(value) > STORE_BYTES:
        raise Unsuitable("is no store; write an absolute path without a slash at its end, as /nix/store")
    return value


def _text(value: object, limit: int) -> str:
    if not isinstance(value, str):
        raise Unsuitable("is no text; quote it if it looks like a number")
    if not value.isprintable():
        raise Unsuitable("has characters that cannot be printed; leave them out")
    if len(value.encode()) > limit:
        raise Unsuitable(f"has {len(value.encode())} bytes; write {limit} at most")
    return value
