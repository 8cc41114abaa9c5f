# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the controller keeps secrets. Compiled variables carry only these paths, never what is in the files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True, slots=True)
class SecretPaths:
    """The files below the folder of secrets."""

    folder: PurePath

    def _at(self, *parts: str) -> str:
        return str(self.folder.joinpath(*parts))

    @property
    def nebula_ca_certificate(self) -> str:
        """Certificate of the overlay's CA."""
        return self._at("nebula", "ca.crt")

    @property
    def nebula_ca_key(self) -> str:
        """Private key of the overlay's CA."""
        return self._at("nebula", "ca.key")

    @property
    def tls_ca_certificate(self) -> str:
        """Certificate of the event's CA for HTTPS."""
        return self._at("tls", "ca.crt")

    def certificate(self, name: str) -> str:
        """Certificate of a published name."""
        return self._at("tls", f"{name}.crt")

    def certificate_key(self, name: str) -> str:
        """Private key of a published name."""
        return self._at("tls", f"{name}.key")

    def tsig(self, name: str) -> str:
        """A TSIG secret: base64 text, one line."""
        return self._at("tsig", f"{name}.secret")

    def nix_key(self, cache: str) -> str:
        """A cache's private signing key."""
        return self._at("nix", f"{cache}.key")

    def nix_public_key(self, cache: str) -> str:
        """A cache's public signing key."""
        return self._at("nix", f"{cache}.pub")
