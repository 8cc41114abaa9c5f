#!/usr/bin/python
# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nix_signing_key
short_description: Make and keep a key pair that signs for a Nix binary cache
version_added: 0.1.0
author: The Nix Vegas NOC (@NixVegas)
description:
  - Makes an Ed25519 key pair in the form that C(nix key generate-secret) writes, without needing Nix.
  - A key that stands there is validated and never overwritten.
  - A secret key encrypted with Ansible Vault is left as it is; its public key is then taken from O(public_path).
options:
  name:
    description: The name of the key, which clients match it by. Custom is the cache's host name, a dash and a number.
    type: str
    required: true
  path:
    description: The file of the secret key (mode 0600).
    type: path
    required: true
  public_path:
    description: The file of the public key (mode 0644). When left out, none is written.
    type: path
requirements:
  - the Python library cryptography (Debian package C(python3-cryptography))
extends_documentation_fragment: [nixvegas.noc.attributes]
"""

EXAMPLES = r"""
- name: Make the key of the first cache
  nixvegas.noc.nix_signing_key:
    name: gvh-a.dc.nixos.lv-1
    path: "{{ inventory_dir }}/secrets/nix/gvh-a.key"
    public_path: "{{ inventory_dir }}/secrets/nix/gvh-a.pub"
  delegate_to: localhost
  register: key
"""

RETURN = r"""
public_key:
  description: The public key as C(trusted-public-keys) wants it; empty in check mode when it is yet to be made.
  returned: always
  type: str
  sample: gvh-a.dc.nixos.lv-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=
"""

import os
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ..module_utils.nix_keys import NixKeyError, check_name, generate, parse_public, parse_secret

VAULT_HEADER = "$ANSIBLE_VAULT;"
FOLDER_MODE = 0o700


@dataclass(frozen=True)
class File:
    """One of the two files and the mode it must have."""

    path: Path
    mode: int

    def read(self) -> str | None:
        """Its text, None when it is not there."""
        try:
            return self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None

    def has_mode(self) -> bool:
        """Whether its permissions are right."""
        return self.path.stat().st_mode & 0o777 == self.mode

    def write(self, text: str) -> None:
        """Puts it there at once, readable by nobody else before it is complete."""
        self.path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 (a descriptor has no path)
                os.fchmod(descriptor, self.mode)
                file.write(text)
                file.flush()
                os.fsync(descriptor)
            temporary.replace(self.path)
        finally:
            temporary.unlink(missing_ok=True)


def run(module: AnsibleModule) -> None:
    name = check_name(module.params["name"])
    secret = File(Path(module.params["path"]), 0o600)
    public = File(Path(module.params["public_path"]), 0o644) if module.params["public_path"] else None
    apply = not module.check_mode
    changes = []
    text, published = secret.read(), public.read() if public else None
    if text is None:
        if published is not None:
            raise NixKeyError(
                f"the public key {module.params['public_path']} stands without {secret.path}; put that one back from "
                "your backup, or move the public one away to get a new pair (clients must then trust the new one)"
            )
        key = generate(name)
        public_key = key.public_text if apply else ""
        changes.append(f"make a new key {name!r}")
        if apply:
            secret.write(key.text)
    else:
        public_key = _encrypted(published, secret) if text.startswith(VAULT_HEADER) else _plain(text, secret)
        _check_owner(public_key, name, secret)
        if not secret.has_mode():
            changes.append(f"{secret.path}: mode becomes {secret.mode:04o}")
            if apply:
                secret.path.chmod(secret.mode)
    if public and (published or "").strip() != public_key:
        changes.append(f"write the public key to {public.path}")
        if apply:
            public.write(public_key)
    module.exit_json(changed=bool(changes), public_key=public_key, diff=_diff(published, public_key, changes))


def _diff(published: str | None, public_key: str, changes: list[str]) -> dict[str, str]:
    lines = [line for line in (public_key, *(f"# {change}" for change in changes)) if line]
    return {"before": f"{published.strip()}\n" if published else "", "after": "".join(f"{line}\n" for line in lines)}


def _plain(text: str, secret: File) -> str:
    try:
        return parse_secret(text).public_text
    except NixKeyError as error:
        raise NixKeyError(f"{secret.path}: {error}; it is left alone: put it back from your backup") from error


def _encrypted(published: str | None, secret: File) -> str:
    try:
        return parse_public(published or "")
    except NixKeyError as error:
        raise NixKeyError(
            f"{secret.path} is encrypted and its public key cannot be read from public_path ({error}); "
            f"decrypt it for one run with: ansible-vault decrypt {secret.path}"
        ) from error


def _check_owner(public_key: str, name: str, secret: File) -> None:
    present = public_key.partition(":")[0]
    if present != name:
        raise NixKeyError(
            f"{secret.path} holds the key {present!r}, not {name!r}; name the key in path, or give another path"
        )


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "path": {"type": "path", "required": True},
            "public_path": {"type": "path"},
        },
        supports_check_mode=True,
    )
    try:
        run(module)
    except ModuleNotFoundError:
        module.fail_json(msg=missing_required_lib("cryptography (Debian package python3-cryptography)"))
    except NixKeyError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}")


if __name__ == "__main__":
    main()
