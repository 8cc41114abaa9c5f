# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program C(nebula-cert) (1.6 to 1.9), and the certificates it prints."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any


class NebulaError(Exception):
    """What went wrong, where, and what to do; never holds a secret."""


@dataclass(frozen=True)
class Certificate:
    """One Nebula certificate (version 1), as C(nebula-cert print -json) shows it.

    Groups and subnets are sorted, as their order means nothing. Times are aware datetimes; public key and
    fingerprints are lower-case hexadecimal; the issuer is the fingerprint of the CA's certificate, empty for a CA.
    """

    name: str
    addresses: tuple[str, ...]
    groups: tuple[str, ...]
    subnets: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    issuer: str
    public_key: str
    fingerprint: str
    is_ca: bool

    def fields(self) -> dict[str, Any]:
        """What a person wants to read of it, for diffs and return values."""
        return {
            "name": self.name,
            "address": ", ".join(self.addresses),
            "groups": list(self.groups),
            "subnets": list(self.subnets),
            "not_after": text_of(self.not_after),
            "issuer": self.issuer,
            "fingerprint": self.fingerprint,
        }


def text_of(time: datetime) -> str:
    """A point in time, to the second, as ISO 8601."""
    return time.isoformat(timespec="seconds")


def certificate_of(printed: dict[str, Any]) -> Certificate:
    """The certificate in one line of C(nebula-cert print -json); :raises NebulaError: for other shapes (version 2)."""
    try:
        details = printed["details"]
        return Certificate(
            name=details["name"],
            addresses=tuple(details["ips"] or ()),
            groups=tuple(sorted(details["groups"] or ())),
            subnets=tuple(sorted(details["subnets"] or ())),
            not_before=datetime.fromisoformat(details["notBefore"]),
            not_after=datetime.fromisoformat(details["notAfter"]),
            issuer=details["issuer"],
            public_key=details["publicKey"],
            fingerprint=printed["fingerprint"],
            is_ca=details["isCa"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise NebulaError(
            f"nebula-cert printed a certificate in an unknown form ({error!r}); versions 1.6 to 1.9 are understood"
        ) from error


class NebulaCert:
    """The program C(nebula-cert). Keys reach it as files only, never as arguments."""

    def __init__(self, program: str = "nebula-cert") -> None:
        """:raises NebulaError: when the program is not installed."""
        path = shutil.which(program)
        if path is None:
            raise NebulaError(f"the program {program} is not installed here; install it with: apt install nebula")
        self._program = path

    def _run(self, *arguments: str) -> str:
        result = subprocess.run(
            [self._program, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )
        if result.returncode != 0:
            reason = (result.stderr.strip() or result.stdout.strip()).splitlines() or ["no message"]
            raise NebulaError(f"nebula-cert {arguments[0]} failed: {reason[0].removeprefix('Error: ')}")
        return result.stdout

    def read(self, pem: str) -> list[Certificate]:
        """All certificates of a text in PEM, in its order; :raises NebulaError: when it holds none or a broken one."""
        with tempfile.NamedTemporaryFile("w", suffix=".crt") as file:
            file.write(pem)
            file.flush()
            printed = self._run("print", "-json", "-path", file.name)
        return [certificate_of(json.loads(line)) for line in printed.splitlines()]

    def check(self, pem: str, ca_pem: str) -> str:
        """Why the first certificate of `pem` is not one that the CAs of `ca_pem` vouch for; empty when it is.

        Covers the signature and the times of both.
        """
        with tempfile.TemporaryDirectory() as folder:
            certificate, authority = Path(folder, "host.crt"), Path(folder, "ca.crt")
            certificate.write_text(pem, encoding="utf-8")
            authority.write_text(ca_pem, encoding="utf-8")
            try:
                self._run("verify", "-ca", str(authority), "-crt", str(certificate))
            except NebulaError as error:
                return str(error)
        return ""

    def make_ca(self, name: str, duration: timedelta, key: Path, certificate: Path) -> None:
        """A new CA; neither file may exist. Both are made with mode 0600."""
        self._run(
            "ca", "-name", name, "-duration", _hours(duration), "-out-key", str(key), "-out-crt", str(certificate)
        )

    def sign(self, request: Request, public_key_pem: str, ca_certificate: Path, ca_key: Path) -> str:
        """The new certificate in PEM; the first certificate of the file `ca_certificate` is the one that signs."""
        with tempfile.TemporaryDirectory() as folder:
            public_key, out = Path(folder, "host.pub"), Path(folder, "host.crt")
            public_key.write_text(public_key_pem, encoding="utf-8")
            arguments = ["-ca-crt", str(ca_certificate), "-ca-key", str(ca_key), "-in-pub", str(public_key)]
            arguments += ["-out-crt", str(out), "-name", request.name, "-ip", request.address]
            if request.groups:
                arguments += ["-groups", ",".join(request.groups)]
            if request.subnets:
                arguments += ["-subnets", ",".join(request.subnets)]
            if request.duration is not None:
                arguments += ["-duration", _hours(request.duration)]
            self._run("sign", *arguments)
            return out.read_text(encoding="utf-8")


@dataclass(frozen=True)
class Request:
    """What a host's certificate shall say. Groups and subnets are sorted; no duration means: as long as the CA's."""

    name: str
    address: str
    groups: tuple[str, ...]
    subnets: tuple[str, ...]
    duration: timedelta | None = None


def _hours(duration: timedelta) -> str:
    return f"{int(duration.total_seconds())}s"
