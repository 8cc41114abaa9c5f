# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nebula's key files (Curve25519), in the form that C(nebula-cert keygen) and C(nebula-cert ca) write."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from .program import NebulaError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

HOST_KEY = "NEBULA X25519 PRIVATE KEY"
HOST_PUBLIC_KEY = "NEBULA X25519 PUBLIC KEY"
CA_KEY = "NEBULA ED25519 PRIVATE KEY"
KEY_BYTES = 32
PEM_LINES = 3


def pem(label: str, data: bytes) -> str:
    """The bytes in PEM; a key fits on one line of it."""
    return f"-----BEGIN {label}-----\n{base64.b64encode(data).decode()}\n-----END {label}-----\n"


def bytes_of(text: str, label: str, length: int) -> bytes:
    """The bytes of one PEM block. :raises NebulaError: saying what is wrong, without the content."""
    lines = [line.strip() for line in text.strip().splitlines()]
    if len(lines) < PEM_LINES or lines[0] != f"-----BEGIN {label}-----" or lines[-1] != f"-----END {label}-----":
        raise NebulaError(f"it is not a {label} in PEM")
    try:
        data = base64.b64decode("".join(lines[1:-1]), validate=True)
    except binascii.Error as error:
        raise NebulaError(f"the {label} is damaged: not base64") from error
    if len(data) != length:
        raise NebulaError(f"the {label} is damaged: {len(data)} bytes instead of {length}")
    return data


def _private_keys() -> type[X25519PrivateKey]:
    # Asked for only when there is a key to work on, so that check mode works on a host that lacks the library.
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey  # noqa: PLC0415

    return X25519PrivateKey


def new_host_key() -> str:
    """A new private key in PEM. :raises ModuleNotFoundError: without the library cryptography."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat  # noqa: PLC0415

    private = _private_keys().generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return pem(HOST_KEY, private)


def public_half(host_key: str) -> bytes:
    """The public key that belongs to a host's private key in PEM.

    :raises NebulaError: when it is damaged. :raises ModuleNotFoundError: without the library cryptography.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415

    private = _private_keys().from_private_bytes(bytes_of(host_key, HOST_KEY, KEY_BYTES))
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def ca_public_half(ca_key: str) -> bytes:
    """The public key of a CA's unencrypted private key, which holds seed and public key."""
    return bytes_of(ca_key, CA_KEY, 2 * KEY_BYTES)[KEY_BYTES:]
