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
  description: Whether Nebula can start with what stands on the host now (in check mode that may be nothing).
  returned: always
  type: bool
"""

import pwd
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ..module_utils.nebula.arguments import cert_arguments
from ..module_utils.nebula.host import HostFiles


def main() -> None:
    module = AnsibleModule(
        argument_spec=cert_arguments(),
        supports_check_mode=True,
    )
    try:
        owner = pwd.getpwnam(module.params["owner"])
    except KeyError:
        module.fail_json(msg=f"owner: there is no user {module.params['owner']!r} on this host")
    files = HostFiles(Path(module.params["directory"]), owner)
    signed = module.params["signed"]
    try:
        if signed:
            files.install(**signed)
            module.exit_json(changed=True)
        state = files.read()
        if not module.check_mode:
            if state["key_problem"]:
                state["public_key_pem"] = files.stage_key()
            else:
                files.drop_staged_key()
    except ModuleNotFoundError:
        module.fail_json(msg=missing_required_lib("cryptography (Debian package python3-cryptography)"))
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}")
    module.exit_json(changed=False, state=state)


if __name__ == "__main__":
    main()
