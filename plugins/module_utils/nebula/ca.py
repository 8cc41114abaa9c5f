# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a Nebula CA: private key and certificate, which must never stand there unpaired."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from .keys import ca_public_half
from .program import Certificate, NebulaCert, NebulaError, text_of

KEY_MODE = 0o600
CERTIFICATE_MODE = 0o644
FOLDER_MODE = 0o700
FINGERPRINT_PREFIX = 16
VAULT_HEADER = "$ANSIBLE_VAULT;"


@dataclass(frozen=True)
class Authority:
    """A CA as it stands on disk; `others` are older CAs in the same file that hosts still trust."""

    certificate: Certificate
    others: tuple[Certificate, ...] = ()
    key_encrypted: bool = False


@dataclass
class CaFiles:
    """Key and certificate of one CA. A new pair is staged beside them (`.new`), then moved: key first.

    A crash between the two moves leaves the staged certificate beside its key; `recover` finishes the move.
    """

    key: Path
    certificate: Path
    tool: NebulaCert
    _staged_key: Path = field(init=False)
    _staged_certificate: Path = field(init=False)

    def __post_init__(self) -> None:
        self._staged_key = self.key.with_name(self.key.name + ".new")
        self._staged_certificate = self.certificate.with_name(self.certificate.name + ".new")

    def interrupted(self) -> bool:
        """Whether an earlier run stopped between the two moves."""
        if not (self.key.exists() and self._staged_certificate.exists()):
            return False
        try:
            staged = self.tool.read(self._staged_certificate.read_text(encoding="ascii"))[0]
            return staged.public_key == ca_public_half(self.key.read_text(encoding="ascii")).hex()
        except (NebulaError, UnicodeDecodeError):
            return False

    def recover(self) -> None:
        """Finishes an interrupted run."""
        self._staged_certificate.replace(self.certificate)
        _sync(self.certificate.parent)

    def load(self) -> Authority | None:
        """The CA that stands there, None when there is none. :raises NebulaError: what is wrong and what to do."""
        there = {path: path.exists() for path in (self.key, self.certificate)}
        if not any(there.values()):
            return None
        if not all(there.values()):
            present, missing = sorted(there, key=lambda path: not there[path])
            raise NebulaError(
                f"{present} stands without {missing}; put that one back from your backup, "
                f"or move {present} away to get a new CA (every host then gets a new certificate)"
            )
        certificates = self._certificates()
        first = certificates[0]
        if not first.is_ca:
            raise NebulaError(
                f"{self.certificate} is the certificate of {first.name!r}, not of a CA; put the CA's there"
            )
        key = self.key.read_text(encoding="utf-8", errors="replace")
        encrypted = key.startswith(VAULT_HEADER)
        if not encrypted and self._public_half(key) != first.public_key:
            raise NebulaError(
                f"{self.key} is not the key of the CA {first.name!r} in {self.certificate}; put the right one back"
            )
        return Authority(first, tuple(certificates[1:]), encrypted)

    def create(self, name: str, duration: timedelta, now: datetime) -> None:
        """Makes a new CA, which signs from now on; CAs that are still valid stay in the certificate file, trusted.

        The former key and certificate stay beside the new ones, their names ending in the former CA's fingerprint.
        """
        self.key.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        self.certificate.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        older = self._still_valid(now)
        for path in (self._staged_key, self._staged_certificate):
            path.unlink(missing_ok=True)
        self.tool.make_ca(name, duration, self._staged_key, self._staged_certificate)
        with self._staged_certificate.open("a", encoding="ascii") as file:
            file.write(older)
        self._staged_key.chmod(KEY_MODE)
        self._staged_certificate.chmod(CERTIFICATE_MODE)
        for path in (self._staged_key, self._staged_certificate):
            _sync(path)
        self._keep_former()
        self._staged_key.replace(self.key)
        self._staged_certificate.replace(self.certificate)
        _sync(self.key.parent)

    def key_mode(self) -> int:
        """The permissions of the private key."""
        return self.key.stat().st_mode & 0o777

    def protect_key(self) -> None:
        """Takes everybody else's rights to the private key away."""
        self.key.chmod(KEY_MODE)

    def _keep_former(self) -> None:
        if not (self.key.exists() and self.certificate.exists()):
            return
        prefix = self._certificates()[0].fingerprint[:FINGERPRINT_PREFIX]
        self.protect_key()
        # A link is there at once and whole; the move that follows takes only the other name of the file away.
        for path in (self.key, self.certificate):
            with suppress(FileExistsError):
                path.with_name(f"{path.name}.{prefix}").hardlink_to(path)
            _sync(path.parent)

    def _certificates(self) -> list[Certificate]:
        try:
            return self.tool.read(self.certificate.read_text(encoding="ascii", errors="replace"))
        except NebulaError as error:
            raise NebulaError(f"{self.certificate} cannot be read: {error}; put it back from your backup") from error

    def _public_half(self, key: str) -> str:
        try:
            return ca_public_half(key).hex()
        except NebulaError as error:
            raise NebulaError(f"{self.key} cannot be used: {error}; put it back from your backup") from error

    def _still_valid(self, now: datetime) -> str:
        if not self.certificate.exists():
            return ""
        text = self.certificate.read_text(encoding="ascii")
        end = "-----END NEBULA CERTIFICATE-----\n"
        blocks = [block + end for block in text.split(end) if block.strip()]
        return "".join(block for block in blocks if self.tool.read(block)[0].not_after > now)


def remarks(authority: Authority, name: str, now: datetime, warn_before: timedelta) -> list[str]:
    """What the crew should know about a CA that is kept."""
    certificate = authority.certificate
    found = []
    if certificate.not_after <= now:
        found.append(f"the CA {certificate.name!r} expired on {text_of(certificate.not_after)}; set renew: true")
    elif certificate.not_after - now < warn_before:
        found.append(
            f"the CA {certificate.name!r} expires on {text_of(certificate.not_after)}; plan a renewal (renew: true)"
        )
    if certificate.name != name:
        found.append(f"the CA is called {certificate.name!r}, not {name!r}; it is kept (renew: true makes a new one)")
    return found


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
