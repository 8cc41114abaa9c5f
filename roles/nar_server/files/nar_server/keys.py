# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys and signatures as Nix writes them: ``name:base64``. Nothing here needs a cryptographic library."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

SIGNATURE_SIZE = 64
PUBLIC_KEY_SIZE = 32
SECRET_KEY_SIZE = 64


class KeyFormatError(ValueError):
    """A text that is no key or signature. The message never holds the text: it could be secret."""


def _parse(text: str, size: int, what: str) -> tuple[str, bytes]:
    """Name and bytes of ``name:base64``."""
    name, colon, encoded = text.partition(":")
    if not colon or not name or not name.isprintable() or any(character.isspace() for character in name):
        raise KeyFormatError(f"{what} must be NAME:BASE64, with a name without spaces")
    try:
        data = base64.b64decode(encoded.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise KeyFormatError(f"what follows {name!r} and its colon in {what} is not base 64") from None
    if len(data) != size:
        sizes = {PUBLIC_KEY_SIZE: "public", SECRET_KEY_SIZE: "secret"}
        other = f"; a {sizes[len(data)]} key is no {sizes[size]} key" if {len(data), size} == set(sizes) else ""
        raise KeyFormatError(f"{what} {name!r} has {len(data)} bytes, must have {size}{other}")
    return name, data


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that signatures are verified with (Ed25519)."""

    name: str
    data: bytes

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """The key of ``name:base64``; raises KeyFormatError."""
        return cls(*_parse(text.strip(), PUBLIC_KEY_SIZE, "the public key"))

    def __str__(self) -> str:
        """As it stands in nix.conf's trusted-public-keys."""
        return f"{self.name}:{base64.b64encode(self.data).decode()}"


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A key to sign with: the Ed25519 seed, and the public key Nix stores behind it."""

    name: str
    seed: bytes = field(repr=False)
    public: PublicKey

    @classmethod
    def parse(cls, text: str) -> SecretKey:
        """The key of a file ``nix-store --generate-binary-cache-key`` wrote; raises KeyFormatError."""
        name, data = _parse(text.strip(), SECRET_KEY_SIZE, "the secret key")
        return cls(name, data[:PUBLIC_KEY_SIZE], PublicKey(name, data[PUBLIC_KEY_SIZE:]))


@dataclass(frozen=True, slots=True)
class Signature:
    """A well-formed signature; ``text`` is what was stored, byte for byte."""

    name: str
    data: bytes
    text: str

    @classmethod
    def parse(cls, text: str) -> Signature:
        """The signature of ``name:base64``; raises KeyFormatError."""
        return cls(*_parse(text, SIGNATURE_SIZE, "the signature"), text)
