# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Canonical text of DNS names and record data.

Two records are the same when their canonical texts are equal:

- names are lower-case and absolute (end with a dot); a name without a final dot is relative to the zone;
- addresses are in their shortest form, numbers without leading zeros, hexadecimal digits in upper case without blanks;
- strings (TXT, CAA) are quoted; quotes and backslashes are escaped by a backslash, bytes outside printable ASCII as
  a backslash and three decimal digits;
- data of a type that is not in C(FIELDS) is only stripped of surplus blanks: write it as Knot prints it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

MAX_NAME = 253
MAX_LABEL = 63
MAX_STRING = 255
MAX_BYTE = 255
_LABEL = re.compile(r"[a-z0-9_*/-]+")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s"]+')
_ESCAPE = re.compile(r"\\(\d{3}|.)", re.DOTALL)
_BITS = {"u8": 8, "u16": 16, "u32": 32}

FIELDS: dict[str, tuple[str, ...]] = {
    "A": ("ipv4",),
    "AAAA": ("ipv6",),
    "CAA": ("u8", "word", "string"),
    "CNAME": ("name",),
    "DNAME": ("name",),
    "DS": ("u16", "u8", "u8", "hex"),
    "MX": ("u16", "name"),
    "NS": ("name",),
    "PTR": ("name",),
    "SOA": ("name", "name", "u32", "u32", "u32", "u32", "u32"),
    "SRV": ("u16", "u16", "u16", "name"),
    "SSHFP": ("u8", "u8", "hex"),
    "TLSA": ("u8", "u8", "u8", "hex"),
    "TXT": ("strings",),
}
"""Fields of the record types that are understood; C(hex) and C(strings) take the rest of the data."""


class DataError(ValueError):
    """What is wrong with a name or with record data, and what would be right."""


def canonical_zone(name: str) -> str:
    """Return the name of a zone, lower-case and absolute."""
    return canonical_name(name if name.endswith(".") else f"{name}.", ".")


def canonical_name(name: str, zone: str) -> str:
    """Return C(name) lower-case and absolute; C(@) is the zone, a name without a final dot is inside the zone.

    Raises DataError for a name that is no host name or alias, or that repeats the zone's name without a final dot.
    """
    text = name.lower()
    if text == "@":
        return zone
    if text == ".":
        return text
    absolute = text if text.endswith(".") else f"{text}.{zone}" if zone != "." else f"{text}."
    if zone != "." and f".{text}.".endswith(f".{zone}"):
        raise DataError(f"{name!r} ends with the zone's own name: add a final dot, or leave {zone.rstrip('.')!r} out")
    labels = absolute[:-1].split(".")
    bad = next((label for label in labels if not _LABEL.fullmatch(label) or len(label) > MAX_LABEL), None)
    if bad is not None:
        raise DataError(
            f"{name!r} is not a domain name: label {bad!r} must be 1 to {MAX_LABEL} letters, digits, '-' or '_'"
        )
    if len(absolute) - 1 > MAX_NAME:
        raise DataError(f"{name!r} is not a domain name: longer than {MAX_NAME} characters")
    return absolute


def canonical_data(rtype: str, data: str, zone: str) -> str:
    """Return the data of one record in canonical text.

    Raises DataError when the data does not fit the type.
    """
    if any(character in data for character in "\r\n\0"):
        raise DataError(f"{data!r} spans several lines: give one record an item")
    kinds = FIELDS.get(rtype)
    if kinds is None:
        return " ".join(data.split())
    if kinds == ("strings",):
        return _strings(data)
    tokens = _tokens(data)
    if kinds[-1] == "hex" and len(tokens) > len(kinds):
        tokens = [*tokens[: len(kinds) - 1], "".join(tokens[len(kinds) - 1 :])]
    if len(tokens) != len(kinds):
        raise DataError(f"{data!r} has {len(tokens)} fields, {rtype} has {len(kinds)}: {' '.join(kinds)}")
    return " ".join(_field(kind, token, rtype, zone) for kind, token in zip(kinds, tokens, strict=True))


def _tokens(data: str) -> list[str]:
    if _TOKEN.sub("", data).strip():
        raise DataError(f"{data!r} has a quote that is not closed")
    return _TOKEN.findall(data)


def _field(kind: str, token: str, rtype: str, zone: str) -> str:
    if kind in _BITS:
        return _number(token, _BITS[kind])
    if kind == "name" and rtype == "PTR" and not token.endswith("."):
        raise DataError(f"{token!r} is relative to the reverse zone: end it with a dot")
    if kind == "name":
        return canonical_name(token, zone)
    return _CONVERTERS[kind](token)


def _number(token: str, bits: int) -> str:
    if not (token.isascii() and token.isdigit()) or int(token) >= 2**bits:
        raise DataError(f"{token!r} is not a number from 0 to {2**bits - 1}")
    return str(int(token))


def _ipv4(token: str) -> str:
    try:
        return str(ipaddress.IPv4Address(token))
    except ipaddress.AddressValueError as error:
        raise DataError(f"{token!r} is not an IPv4 address ({error})") from error


def _ipv6(token: str) -> str:
    try:
        return str(ipaddress.IPv6Address(token))
    except ipaddress.AddressValueError as error:
        raise DataError(f"{token!r} is not an IPv6 address ({error})") from error


def _hex(token: str) -> str:
    try:
        return bytes.fromhex(token).hex().upper()
    except ValueError as error:
        raise DataError(f"{token!r} is not hexadecimal ({error})") from error


def _strings(data: str) -> str:
    """Quoted strings are taken as they are; anything else is one text, cut into strings of 255 bytes."""
    text = data.strip()
    if text.startswith('"'):
        parts = [_unquote(token) for token in _tokens(text)]
    else:
        raw = text.encode()
        parts = [raw[start : start + MAX_STRING] for start in range(0, len(raw), MAX_STRING)] or [b""]
    long = next((part for part in parts if len(part) > MAX_STRING), None)
    if long is not None:
        raise DataError(f"a quoted string of {len(long)} bytes is longer than {MAX_STRING}: split it")
    return " ".join(map(_quote, parts))


def _unquote(token: str) -> bytes:
    text = token[1:-1] if token.startswith('"') else token
    pieces = _ESCAPE.split(text)
    result = b""
    for index, piece in enumerate(pieces):
        if index % 2 == 0:
            result += piece.encode()
        elif len(piece) == len("DDD"):
            if int(piece) > MAX_BYTE:
                raise DataError(f"\\{piece} in {token} is not a byte: 000 to 255")
            result += bytes([int(piece)])
        else:
            result += piece.encode()
    return result


def _quote(raw: bytes) -> str:
    return '"' + "".join(_quoted_byte(byte) for byte in raw) + '"'


def _quoted_byte(byte: int) -> str:
    if chr(byte) in '"\\':
        return f"\\{chr(byte)}"
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03d}"  # noqa: PLR2004 - printable ASCII


_CONVERTERS: dict[str, Callable[[str], str]] = {
    "ipv4": _ipv4,
    "ipv6": _ipv6,
    "hex": _hex,
    "word": str.lower,
    "string": lambda token: _quote(_unquote(token)),
}
