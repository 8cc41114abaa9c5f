#!/usr/bin/python
# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One project of a Hydra, with its jobsets."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hydra_project
short_description: Keep a project of a Hydra, and its jobsets, as described
version_added: 0.1.0
author: The Nix Vegas NOC (@NixVegas)
description:
  - Brings one project of a Hydra (the continuous integration server of Nix), and the listed jobsets, to what is
    described.
  - Reads the project, and each listed jobset that exists, with one request each. Where nothing differs nothing is sent,
    because a request without a difference can cancel a pending evaluation.
  - What is not named stays as it is on the server, unless O(exact=true).
  - Values that Hydra would silently trim, coerce or drop are refused before a request is sent. So are numbers,
    flags and lists where a text belongs, which Ansible would make a text of; that is why texts are of type C(raw).
  - Neither user name and password nor credentials in URLs are shown.
extends_documentation_fragment: [nixvegas.noc.attributes, nixvegas.noc.hydra]
attributes:
  check_mode:
    details:
      - Only reads. If a change is planned and a password is given it signs in, to foretell a refusal.
options:
  name:
    description: Identifier of the project, a text.
    type: raw
    required: true
  state:
    description: Whether the project shall exist. V(absent) removes it with its jobsets and builds.
    type: str
    choices: [present, absent]
    default: present
  exact:
    description:
      - Reset what is not named, of the project and of the listed jobsets, to what a new one has. The owner stays.
    type: bool
    default: false
  display_name:
    description: What people call the project; that of a new one is its O(name).
    type: raw
  description:
    description: Description of the project.
    type: raw
  homepage:
    description: Address of its home page.
    type: raw
  owner:
    description: User who owns it; only administrators choose one. That of a new project is who makes it.
    type: raw
  enabled:
    description: Whether its jobsets are evaluated; of a new project V(true).
    type: bool
  visible:
    description: Whether it is in the list of projects; of a new project V(true).
    type: bool
  dynamic_run_command:
    description: Whether its jobsets may enable dynamic RunCommand hooks; of a new project V(false).
    type: bool
  declarative:
    description:
      - Where the specification is from which Hydra makes the jobsets itself. V({}) makes the project not declarative.
      - Hydra then refuses changes of jobsets, so O(jobsets) must be empty.
    type: dict
    suboptions:
      file:
        description: Path of the specification in the input.
        type: raw
      type:
        description: Type of the input, such as V(git).
        type: raw
      value:
        description: The input, such as V(https://github.com/example/jobsets main).
        type: raw
  purge_jobsets:
    description: Remove the jobsets that are not listed, with their builds. Needs the role C(admin).
    type: bool
    default: false
  jobsets:
    description: Jobsets of the project.
    type: list
    elements: dict
    default: []
    suboptions:
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
        description: Path of the Nix expression in O(jobsets[].nix_expression_input).
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
          - C(type) is C(git), C(boolean), C(string), C(build), C(sysbuild), C(nix), C(path), C(eval) or another that
            the server has; an unknown one brings a warning.
          - C(value) is a text as on Hydra's page, or C(true) or C(false) for C(boolean).
          - C(notify_committers), by default C(false), mails those whose changes break a build.
          - Inputs that are not named stay, and so do their keys.
        type: dict
"""

EXAMPLES = r"""
- name: Build the release of the event
  nixvegas.noc.hydra_project:
    url: https://hydra.dc.nixos.lv
    name: nixpkgs
    display_name: Nixpkgs
    owner: numinit
    jobsets:
      - name: release-25.05
        nix_expression: nixos/release-small.nix
        nix_expression_input: nixpkgs
        check_interval: 1h
        evaluations_to_keep: 3
        inputs:
          nixpkgs: {type: git, value: "https://github.com/NixOS/nixpkgs nixos-25.05"}
          supportedSystems: {type: nix, value: '[ "x86_64-linux" "aarch64-linux" ]'}
      - name: event
        flake: github:NixVegas/infra
        state: one_at_a_time

- name: Let a repository describe the jobsets
  nixvegas.noc.hydra_project:
    url: https://hydra.dc.nixos.lv
    name: community
    declarative: {file: spec.json, type: git, value: "https://github.com/NixVegas/jobsets main"}
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
    checked_jobsets,
    connect,
    options_of,
)
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.errors import HydraError
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.fields import PROJECT
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.manage import manage_project

ARGUMENTS = {
    **CONNECTION,
    "name": NAME,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "exact": {"type": "bool", "default": False},
    **options_of(PROJECT),
    "purge_jobsets": {"type": "bool", "default": False},
    "jobsets": {"type": "list", "elements": "dict", "default": []},
}


def main() -> None:
    """Run the module."""
    module = HydraModule(ARGUMENTS)
    try:
        options = module.params | {"jobsets": checked_jobsets(module.params["name"], module.params["jobsets"])}
        outcome = manage_project(connect(module), options, check=module.check_mode)
    except HydraError as error:
        module.fail_json(msg=str(error))
    for warning in outcome.warnings:
        module.warn(warning)
    module.exit_json(**outcome.result())


if __name__ == "__main__":
    main()
