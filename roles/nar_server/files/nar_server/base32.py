# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nix's base 32: the digits without e, o, u and t, least significant bits last."""

from __future__ import annotations

import functools

ALPHABET = "0123456789abcdfghijklmnpqrsvwxyz"
_BITS = 5
_VALUES = {digit: value for value, digit in enumerate(ALPHABET)}


def encoded_length(size: int) -> int:
    """How many digits ``size`` bytes take."""
    return (size * 8 + _BITS - 1) // _BITS


@functools.lru_cache(maxsize=8192)
def encode(data: bytes) -> str:
    """The digits of ``data``: 52 for a SHA-256 hash, 32 for the hash part of a store path."""
    number = int.from_bytes(data, "little")
    return "".join(
        ALPHABET[number >> shift & 31] for shift in range((encoded_length(len(data)) - 1) * _BITS, -1, -_BITS)
    )


def decode(text: str, size: int) -> bytes:
    """The ``size`` bytes that ``text`` stands for.

    Raises ValueError when the length is another, a digit is foreign, or the text stands for more than ``size`` bytes.
    """
    if len(text) != encoded_length(size):
        raise ValueError(f"{len(text)} base-32 digits where {encoded_length(size)} are needed for {size} bytes")
    number = 0
    for digit in text:
        if digit not in _VALUES:
            raise ValueError(f"{digit!r} is not a digit of Nix's base 32")
        number = number << _BITS | _VALUES[digit]
    if number >> size * 8:
        raise ValueError(f"the base-32 number is larger than {size} bytes")
    return number.to_bytes(size, "little")
