#!/usr/bin/python
# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nebula_ca
short_description: Make and keep the certificate authority of a Nebula overlay
version_added: 0.1.0
author: The Nix Vegas NOC (@NixVegas)
description:
  - Makes a CA's private key and certificate with C(nebula-cert), usually on the controller.
  - A CA that stands there is validated and kept. One that expires soon, or has another name, is warned about.
  - Key and certificate are put in place so that a crash cannot leave one without the other; the next run finishes it.
options:
  name:
    description: The name of the CA.
    type: str
    required: true
  key_path:
    description: The file of the private key (mode 0600). Once made it may be encrypted with Ansible Vault.
    type: path
    required: true
  certificate_path:
    description: The file of the certificate. Behind the CA's own, it may hold older ones that hosts still trust.
    type: path
    required: true
  days:
    description: How long a new CA is valid, in days.
    type: int
    default: 1095
  warn_before:
    description: Warn when the CA expires in fewer days than this.
    type: int
    default: 60
  renew:
    description:
      - Make a new CA now. The old certificate, while valid, stays in O(certificate_path) behind the new one.
      - The former key and certificate are kept beside the new ones, as C(ca.key.FINGERPRINT) and C(ca.crt.FINGERPRINT)
        with the first 16 digits of the former CA's fingerprint.
      - The new CA signs from now on, so every host gets a new certificate from the next M(nixvegas.noc.nebula_cert).
    type: bool
    default: false
requirements:
  - nebula-cert 1.6 to 1.9 (Debian package C(nebula))
extends_documentation_fragment: [nixvegas.noc.attributes]
attributes:
  idempotent:
    support: partial
    details: With O(renew=true) every run makes a new CA.
seealso:
  - module: nixvegas.noc.nebula_cert
"""

EXAMPLES = r"""
- name: Make the CA of the overlay
  nixvegas.noc.nebula_ca:
    name: dc33
    key_path: "{{ inventory_dir }}/secrets/nebula/ca.key"
    certificate_path: "{{ inventory_dir }}/secrets/nebula/ca.crt"
    days: 730
  delegate_to: localhost
"""

RETURN = r"""
name:
  description: The name in the CA's certificate.
  returned: always
  type: str
fingerprint:
  description: The fingerprint of the CA's certificate; empty in check mode when it is yet to be made.
  returned: always
  type: str
not_after:
  description: When the CA expires, as ISO 8601; empty in check mode when it is yet to be made.
  returned: always
  type: str
trusted:
  description: The fingerprints of older CAs in the same file that hosts still trust.
  returned: always
  type: list
  elements: str
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.nebula.ca import KEY_MODE, Authority, CaFiles, remarks
from ..module_utils.nebula.program import NebulaCert, NebulaError, text_of


def run(module: AnsibleModule) -> None:
    options = module.params
    now = datetime.now(UTC)
    files = CaFiles(Path(options["key_path"]), Path(options["certificate_path"]), NebulaCert())
    changes = []
    if files.interrupted():
        changes.append("finish the interrupted renewal: put the staged certificate in place")
        if module.check_mode:
            module.exit_json(changed=True, diff=_diff(None, None, changes), **_described(None, options["name"]))
        files.recover()
    before = files.load()
    if before is None or options["renew"]:
        changes.append(f"make a new CA {options['name']!r} for {options['days']} days")
        if not module.check_mode:
            files.create(options["name"], timedelta(days=options["days"]), now)
    elif files.key_mode() != KEY_MODE:
        changes.append(f"{files.key}: {files.key_mode():04o} becomes {KEY_MODE:04o}")
        if not module.check_mode:
            files.protect_key()
    after = before if module.check_mode else files.load()
    if before is not None and not options["renew"]:
        for remark in remarks(before, options["name"], now, timedelta(days=options["warn_before"])):
            module.warn(remark)
    module.exit_json(changed=bool(changes), diff=_diff(before, after, changes), **_described(after, options["name"]))


def _described(authority: Authority | None, name: str) -> dict[str, object]:
    if authority is None:
        return {"name": name, "fingerprint": "", "not_after": "", "trusted": []}
    return {
        "name": authority.certificate.name,
        "fingerprint": authority.certificate.fingerprint,
        "not_after": text_of(authority.certificate.not_after),
        "trusted": [other.fingerprint for other in authority.others],
    }


def _diff(before: Authority | None, after: Authority | None, changes: list[str]) -> dict[str, str]:
    notes = "".join(f"# {change}\n" for change in changes)
    return {"before": _readable(before), "after": _readable(after) + notes}


def _readable(authority: Authority | None) -> str:
    if authority is None:
        return ""
    return "".join(f"{key}: {value}\n" for key, value in _described(authority, "").items())


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "key_path": {"type": "path", "required": True, "no_log": False},
            "certificate_path": {"type": "path", "required": True},
            "days": {"type": "int", "default": 1095},
            "warn_before": {"type": "int", "default": 60},
            "renew": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    try:
        run(module)
    except NebulaError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}")


if __name__ == "__main__":
    main()
