# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that make a host a member of a Nebula overlay."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .keys import HOST_PUBLIC_KEY, new_host_key, pem, public_half
from .program import NebulaError

MODES = {"host.key": 0o600, "host.crt": 0o644, "ca.crt": 0o644}
STAGED_KEY = "host.key.new"
FOLDER_MODE = 0o755


@dataclass(frozen=True)
class HostFiles:
    """Key, certificate and CA certificates of one host, in one folder, of one owner."""

    folder: Path
    owner: pwd.struct_passwd

    def read(self) -> dict[str, Any]:
        """What stands there: nothing secret in it."""
        public_key, problem = self._public_key()
        return {
            "public_key": public_key.hex(),
            "public_key_pem": pem(HOST_PUBLIC_KEY, public_key),
            "key_problem": problem,
            "certificate": self._text("host.crt"),
            "authorities": self._text("ca.crt"),
            "wrong_modes": [line for name in MODES if (line := self._wrong_mode(name))],
        }

    def stage_key(self) -> str:
        """A new private key, not yet in use; its public half in PEM."""
        key = new_host_key()
        self._write(STAGED_KEY, key, 0o600)
        return pem(HOST_PUBLIC_KEY, public_half(key))

    def drop_staged_key(self) -> None:
        """Forgets a new key that an interrupted run left."""
        (self.folder / STAGED_KEY).unlink(missing_ok=True)

    def install(self, certificate: str, authorities: str) -> None:
        """Puts a staged key and the certificates in place, with their modes.

        Everything is on the disk before the first of them is put in place: what cannot be written leaves all as it was.
        """
        texts = {"host.crt": certificate, "ca.crt": authorities}
        written: dict[Path, str] = {}
        try:
            for name in [name for name, text in texts.items() if self._text(name) != text]:
                written[self._written(name, texts[name], MODES[name])] = name
            if (self.folder / STAGED_KEY).exists():
                (self.folder / STAGED_KEY).replace(self.folder / "host.key")
            for temporary, name in written.items():
                temporary.replace(self.folder / name)
        finally:
            for temporary in written:
                temporary.unlink(missing_ok=True)
        for name, mode in MODES.items():
            os.chown(self.folder / name, self.owner.pw_uid, self.owner.pw_gid)
            (self.folder / name).chmod(mode)

    def _public_key(self) -> tuple[bytes, str]:
        text = self._text("host.key")
        if not text:
            return b"", "there is no private key"
        try:
            return public_half(text), ""
        except NebulaError as error:
            return b"", f"the private key {self.folder / 'host.key'} cannot be used: {error}"

    def _text(self, name: str) -> str:
        try:
            return (self.folder / name).read_text(encoding="ascii", errors="replace")
        except FileNotFoundError:
            return ""

    def _wrong_mode(self, name: str) -> str:
        try:
            status = (self.folder / name).stat()
        except FileNotFoundError:
            return ""
        present, wanted = stat.S_IMODE(status.st_mode), MODES[name]
        if present == wanted and (status.st_uid, status.st_gid) == (self.owner.pw_uid, self.owner.pw_gid):
            return ""
        owner = f"{_name(pwd.getpwuid, status.st_uid)}:{_name(grp.getgrgid, status.st_gid)}"
        return f"{name}: {owner} {present:04o} becomes {self.owner.pw_name} {wanted:04o}"

    def _write(self, name: str, text: str, mode: int) -> None:
        self._written(name, text, mode).replace(self.folder / name)

    def _written(self, name: str, text: str, mode: int) -> Path:
        """A new file beside `name`, on the disk with all it needs to take its place."""
        self.folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        temporary = self.folder / f".{name}.{os.getpid()}"
        temporary.unlink(missing_ok=True)
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with open(descriptor, "w", encoding="ascii") as file:  # noqa: PTH123 (a descriptor has no path)
                os.fchown(descriptor, self.owner.pw_uid, self.owner.pw_gid)
                file.write(text)
                file.flush()
                os.fsync(descriptor)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return temporary


def _name(lookup: Callable[[int], Any], number: int) -> str:
    try:
        return str(lookup(number)[0])
    except KeyError:
        return str(number)
