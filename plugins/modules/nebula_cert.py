#!/usr/bin/python
# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nebula_cert
short_description: Keep a host's Nebula key and certificate
version_added: 0.1.0
author: The Nix Vegas NOC (@NixVegas)
description:
  - Makes the host's private key on the host, where it stays; only the public key travels.
  - Signs the certificate on the controller, where the CA's key is, with C(nebula-cert) (versions 1.6 to 1.9).
  - Signs again when name, address, groups, subnets, key or CA changed or the certificate expires soon; never otherwise.
  - A key that is missing or damaged is replaced by a new one. Remove it on the host to get a new one.
  - Installs C(host.key), C(host.crt) and C(ca.crt) in O(directory). It does not reload Nebula.
options:
  name:
    description: The name in the certificate, usually the host's.
    type: str
    required: true
  address:
    description: The host's address in the overlay with the overlay's prefix length, for example V(10.6.7.1/16).
    type: str
    required: true
  groups:
    description: The groups the certificate puts the host into; their order means nothing.
    type: list
    elements: str
    default: []
  subnets:
    description: Networks behind the host that others may reach through it (unsafe routes).
    type: list
    elements: str
    default: []
  ca_certificate_file:
    description:
      - A file on the controller with the CA's certificate; may be encrypted with Ansible Vault.
      - When it holds several, the first one signs and hosts trust all of them.
    type: str
    required: true
  ca_key_file:
    description:
      - A file on the controller with the CA's private key; may be encrypted with Ansible Vault.
      - It is only read when there is something to sign.
    type: str
    required: true
  days:
    description: How long a certificate is valid, in days. When left out, until a second before the CA expires.
    type: int
  renew_before:
    description: Sign again when the certificate expires in fewer days than this.
    type: int
    default: 30
  directory:
    description: The folder on the host.
    type: path
    default: /etc/nebula
  owner:
    description: The owner of the private key; Nebula must run as this user.
    type: str
    default: root
  signed:
    description: Filled in by the part of this module that runs on the controller; not for playbooks.
    type: dict
    suboptions:
      certificate:
        description: The signed certificate to install.
        type: str
        required: true
      authorities:
        description: The certificates of the trusted CAs to install.
        type: str
        required: true
requirements:
  - nebula-cert 1.6 to 1.9 on the controller (Debian package C(nebula))
  - python3-cryptography on the host
extends_documentation_fragment: [nixvegas.noc.attributes]
seealso:
  - module: nixvegas.noc.nebula_ca
"""

EXAMPLES = r"""
- name: Make the host a member of the overlay
  nixvegas.noc.nebula_cert:
    name: "{{ inventory_hostname }}"
    address: 10.6.7.1/16
    groups: [router]
    subnets: [10.4.0.0/24]
    ca_certificate_file: "{{ inventory_dir }}/secrets/nebula/ca.crt"
    ca_key_file: "{{ inventory_dir }}/secrets/nebula/ca.key"
  register: certificate
"""

RETURN = r"""
reasons:
  description: Why the certificate was (or, in check mode, would be) signed; empty when it was not.
  returned: always
  type: list
  elements: str
certificate:
  description: What the certificate says; in check mode, the one to be signed, without fingerprint.
  returned: always
  type: dict
  sample: {name: ghostgate, address: 10.6.7.1/16, groups: [router], subnets: [], not_after: "2027-08-01T00:00:00+00:00",
    issuer: 82026e50…, fingerprint: 5edf988e…}
ca_fingerprints:
  description: The fingerprints of the CAs the host trusts, the signing one first.
  returned: always
  type: list
  elements: str
installed:
  description: Whether key, certificate and CA certificate stand on the host now (in check mode they may not).
  returned: always
  type: bool
"""

import grp
import os
import pwd
import stat
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ..module_utils.nebula import NebulaError
from ..module_utils.nebula_arguments import cert_arguments
from ..module_utils.nebula_keys import HOST_PUBLIC_KEY, new_host_key, pem, public_half

MODES = {"host.key": 0o600, "host.crt": 0o644, "ca.crt": 0o644}
STAGED_KEY = "host.key.new"
FOLDER_MODE = 0o755


class HostFiles:
    """Key, certificate and CA certificates of one host, in one folder."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        self._folder = Path(module.params["directory"])
        try:
            user = pwd.getpwnam(module.params["owner"])
        except KeyError:
            module.fail_json(msg=f"owner: there is no user {module.params['owner']!r} on this host")
        self._ids = (user.pw_uid, user.pw_gid)

    def read(self) -> dict[str, Any]:
        """What stands there: nothing secret in it."""
        public_key, problem = self._public_key()
        return {
            "public_key": public_key.hex(),
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

    def install(self, certificate: str, authorities: str) -> None:
        """Puts a staged key and the certificates in place, each at once and with its mode."""
        if (self._folder / STAGED_KEY).exists():
            (self._folder / STAGED_KEY).replace(self._folder / "host.key")
        for name, text in (("host.crt", certificate), ("ca.crt", authorities)):
            if self._text(name) != text:
                self._write(name, text, MODES[name])
        for name, mode in MODES.items():
            os.chown(self._folder / name, *self._ids)
            (self._folder / name).chmod(mode)

    def public_key_pem(self) -> str:
        """The public half of the key that is in use."""
        return pem(HOST_PUBLIC_KEY, self._public_key()[0])

    def _public_key(self) -> tuple[bytes, str]:
        text = self._text("host.key")
        if not text:
            return b"", "there is no private key"
        try:
            return public_half(text), ""
        except NebulaError as error:
            return b"", f"the private key {self._folder / 'host.key'} cannot be used: {error}"

    def _text(self, name: str) -> str:
        try:
            return (self._folder / name).read_text(encoding="ascii", errors="replace")
        except FileNotFoundError:
            return ""

    def _wrong_mode(self, name: str) -> str:
        try:
            status = (self._folder / name).stat()
        except FileNotFoundError:
            return ""
        present, wanted = stat.S_IMODE(status.st_mode), MODES[name]
        if present == wanted and (status.st_uid, status.st_gid) == self._ids:
            return ""
        owner = f"{_name(pwd.getpwuid, status.st_uid)}:{_name(grp.getgrgid, status.st_gid)}"
        return f"{name}: {owner} {present:04o} becomes {self._module.params['owner']} {wanted:04o}"

    def _write(self, name: str, text: str, mode: int) -> None:
        self._folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        temporary = self._folder / f".{name}.{os.getpid()}"
        temporary.unlink(missing_ok=True)
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with open(descriptor, "w", encoding="ascii") as file:  # noqa: PTH123 (a descriptor has no path)
                os.fchown(descriptor, *self._ids)
                file.write(text)
                file.flush()
                os.fsync(descriptor)
            temporary.replace(self._folder / name)
        finally:
            temporary.unlink(missing_ok=True)


def _name(lookup: Any, number: int) -> str:
    try:
        return str(lookup(number)[0])
    except KeyError:
        return str(number)


def main() -> None:
    module = AnsibleModule(
        argument_spec=cert_arguments(),
        supports_check_mode=True,
    )
    files = HostFiles(module)
    signed = module.params["signed"]
    try:
        if signed:
            files.install(**signed)
            module.exit_json(changed=True)
        state = files.read()
        if state["key_problem"]:
            state["public_key_pem"] = "" if module.check_mode else files.stage_key()
        else:
            state["public_key_pem"] = files.public_key_pem()
    except ModuleNotFoundError:
        module.fail_json(msg=missing_required_lib("cryptography (Debian package python3-cryptography)"))
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}")
    module.exit_json(changed=False, state=state)


if __name__ == "__main__":
    main()
