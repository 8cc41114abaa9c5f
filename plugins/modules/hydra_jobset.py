#!/usr/bin/python
# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One jobset of a Hydra."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hydra_jobset
short_description: Keep a jobset of a Hydra as described
version_added: 0.1.0
author: The Nix Vegas NOC (@NixVegas)
description:
  - Brings one jobset of a Hydra (the continuous integration server of Nix), flake or legacy, to what is described.
  - What is not named stays as it is on the server, unless O(exact=true). Where nothing differs nothing is sent, because
    a request without a difference can cancel a pending evaluation.
  - Values that Hydra would silently trim, coerce or drop are refused before a request is sent. So are numbers,
    flags and lists where a text belongs, which Ansible would make a text of; that is why texts are of type C(raw).
  - Neither user name and password nor credentials in URLs are shown.
  - A jobset that was renamed does not exist under its old name.
  - Module M(nixvegas.noc.hydra_project) keeps many at once.
extends_documentation_fragment: [nixvegas.noc.attributes, nixvegas.noc.hydra]
attributes:
  check_mode:
    details:
      - Only reads. If a change is planned and a password is given it signs in, to foretell a refusal.
options:
  project:
    description: Identifier of the project, which must exist.
    type: raw
    required: true
  exact:
    description: Reset what is not named to what a new jobset has, and remove inputs that are not named.
    type: bool
    default: false
  name:
    description: Identifier of the jobset.
    type: raw
    required: true
  state:
    description:
      - Whether it is evaluated. Of a new jobset V(enabled). V(one_shot) is evaluated once and then V(disabled);
        V(one_at_a_time) waits until the builds of its last evaluation are finished.
      - V(absent) removes it with its builds, which needs the role C(admin).
    type: str
    choices: [disabled, enabled, one_shot, one_at_a_time, absent]
  visible:
    description: Whether it is in the list of its project's jobsets; of a new jobset V(true).
    type: bool
  description:
    description: Description of the jobset.
    type: raw
  type:
    description: Whether it is a flake or has an expression and inputs; by default whichever is named.
    type: str
    choices: [legacy, flake]
  flake:
    description: URI of the flake.
    type: raw
  nix_expression:
    description: Path of the Nix expression in O(nix_expression_input).
    type: raw
  nix_expression_input:
    description: The input that holds the Nix expression.
    type: raw
  check_interval:
    description:
      - How often Hydra looks for changes, in seconds or with a unit (V(5m), V(1h)).
      - V(0), that of a new jobset, is never.
    type: str
  scheduling_shares:
    description: Its share of the build time, compared with other jobsets; of a new jobset V(1).
    type: int
  evaluations_to_keep:
    description: How many evaluations' builds are kept from garbage collection; of a new jobset V(0).
    type: int
  email_notification:
    description: Whether mail is sent when builds break; of a new jobset V(false).
    type: bool
  email_override:
    description: Who gets that mail in place of the maintainers.
    type: raw
  dynamic_run_command:
    description:
      - Whether dynamic RunCommand hooks run; of a new jobset V(false).
      - The project and the server must allow it.
    type: bool
  inputs:
    description:
      - Inputs by name.
      - C(type) is C(git), C(boolean), C(string), C(build), C(sysbuild), C(nix), C(path), C(eval) or another that the
        server has; an unknown one brings a warning.
      - C(value) is a text as on Hydra's page, or C(true) or C(false) for C(boolean).
      - C(notify_committers), by default C(false), mails those whose changes break a build.
      - Inputs that are not named stay, and so do their keys.
    type: dict
"""

EXAMPLES = r"""
- name: Build our flake once
  nixvegas.noc.hydra_jobset:
    url: https://hydra.dc.nixos.lv
    project: nixvegas
    name: event
    flake: github:NixVegas/infra
    state: one_shot

- name: Follow another branch; the rest stays as it is
  nixvegas.noc.hydra_jobset:
    url: https://hydra.dc.nixos.lv
    project: nixpkgs
    name: release
    inputs:
      nixpkgs: {value: "https://github.com/NixOS/nixpkgs nixos-25.11"}
"""

RETURN = r"""
changes:
  description: What was changed, in check mode what would be.
  type: list
  elements: dict
  returned: success
  contains:
    subject: {description: The project or jobset., type: str, returned: always, sample: "jobset nixpkgs:release-25.05"}
    action: {description: "One of V(create), V(update), V(delete).", type: str, returned: always}
    fields: {description: Names of the fields that change., type: list, elements: str, returned: always}
  sample:
    - {subject: "jobset nixpkgs:release-25.05", action: update, fields: [inputs.nixpkgs.value]}
"""

from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.arguments import (
    CONNECTION,
    NAME,
    HydraModule,
    connect,
    jobset_options,
)
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.errors import HydraError
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.fields import JOBSET
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.manage import manage_jobset

ARGUMENTS = {
    **CONNECTION,
    "project": NAME,
    "exact": {"type": "bool", "default": False},
    **jobset_options(JOBSET),
}


def main() -> None:
    """Run the module."""
    module = HydraModule(ARGUMENTS)
    try:
        outcome = manage_jobset(connect(module), module.params, check=module.check_mode)
    except HydraError as error:
        module.fail_json(msg=str(error))
    for warning in outcome.warnings:
        module.warn(warning)
    module.exit_json(**outcome.result())


if __name__ == "__main__":
    main()
