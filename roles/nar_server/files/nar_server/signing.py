# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making and verifying signatures (Ed25519, by the cryptography package)."""

from __future__ import annotations

import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .keys import KeyFormatError, PublicKey, SecretKey, Signature


class Signer:
    """Signs under one key."""

    def __init__(self, key: SecretKey) -> None:
        """Raises KeyFormatError when the two halves of the key do not belong together."""
        self.name = key.name
        self._private = Ed25519PrivateKey.from_private_bytes(key.seed)
        if self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) != key.public.data:
            raise KeyFormatError(f"the public half inside the secret key {key.name!r} belongs to another key")
        self.public = key.public
        self.verifier = Verifier(key.public)

    def sign(self, fingerprint: bytes) -> Signature:
        """The signature of a fingerprint; the same every time."""
        data = self._private.sign(fingerprint)
        return Signature(self.name, data, f"{self.name}:{base64.b64encode(data).decode()}")


class Verifier:
    """Verifies signatures of one key."""

    def __init__(self, key: PublicKey) -> None:
        self.name = key.name
        self._public = Ed25519PublicKey.from_public_bytes(key.data)

    def accepts(self, signature: Signature, fingerprint: bytes) -> bool:
        """Whether the signature carries this key's name and is its signature of the fingerprint."""
        if signature.name != self.name:
            return False
        try:
            self._public.verify(signature.data, fingerprint)
        except InvalidSignature:
            return False
        return True
