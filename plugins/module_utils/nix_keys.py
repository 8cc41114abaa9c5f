# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nix's binary-cache keys: `NAME:BASE64`, of seed and public key in the secret one, of the public key in the other."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HALF = 32
NAME = re.compile(r"[^\s:]+")


class NixKeyError(ValueError):
    """What is wrong with a key, without its content."""


@dataclass(frozen=True)
class SecretKey:
    """An Ed25519 signing key with its name. Its text form is what C(nix key generate-secret) writes."""

    name: str
    seed: bytes
    public: bytes

    @property
    def text(self) -> str:
        """The secret key's file content; Nix writes no final newline."""
        return f"{self.name}:{base64.b64encode(self.seed + self.public).decode()}"

    @property
    def public_text(self) -> str:
        """What goes into C(trusted-public-keys)."""
        return f"{self.name}:{base64.b64encode(self.public).decode()}"

    def __repr__(self) -> str:
        return f"SecretKey({self.public_text})"


def check_name(name: str) -> str:
    """The name, when Nix can use it. :raises NixKeyError: otherwise."""
    if not NAME.fullmatch(name):
        raise NixKeyError(f"the key name {name!r} is empty or has spaces or a colon; write it like cache.example.org-1")
    return name


def generate(name: str) -> SecretKey:
    """A new key. :raises ModuleNotFoundError: without the library cryptography."""
    return _complete(check_name(name), _private_keys().generate())


def parse_secret(text: str) -> SecretKey:
    """The key in a file's text. :raises NixKeyError: when it is malformed or its two halves do not fit."""
    name, data = _fields(text, 2 * HALF, "secret key")
    key = _complete(name, _private_keys().from_private_bytes(data[:HALF]))
    if key.public != data[HALF:]:
        raise NixKeyError(f"the secret key {name!r} is damaged: its public half does not belong to its secret half")
    return key


def parse_public(text: str) -> str:
    """The public key in normal form. :raises NixKeyError: when it is malformed."""
    name, data = _fields(text, HALF, "public key")
    return f"{name}:{base64.b64encode(data).decode()}"


def _fields(text: str, length: int, what: str) -> tuple[str, bytes]:
    name, colon, encoded = text.strip().partition(":")
    if not colon or not NAME.fullmatch(name):
        raise NixKeyError(f"it is no Nix {what}: it does not begin with a name and a colon")
    try:
        data = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise NixKeyError(f"the {what} {name!r} is damaged: not base64") from error
    if len(data) != length:
        raise NixKeyError(f"the {what} {name!r} is damaged: {len(data)} bytes instead of {length}")
    return name, data


def _complete(name: str, private: Ed25519PrivateKey) -> SecretKey:
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    seed = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return SecretKey(name, seed, private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


def _private_keys() -> type[Ed25519PrivateKey]:
    # Imported late, so that a missing library is reported by the module rather than as a traceback.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    return Ed25519PrivateKey
