#!/usr/bin/python
# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configure a service as one transaction."""

from __future__ import annotations

DOCUMENTATION = r"""
module: service_config
short_description: Configure a service as one transaction
version_added: 0.1.0
author: The Nix Vegas NOC (@NixVegas)
description:
  - All files of a service are rendered on the controller, compared together, checked together by the programs that
    read them, and swapped in together. Then the service is enabled, started, reloaded or restarted as the change
    needs, and asked whether it is well.
  - If a check refuses the files, nothing is touched. If the service is not well with them, the former files and
    service states are put back. If the host loses power half-way, the next run puts the former state back first.
  - What was changed by hand is drift, named in the diff and put right by itself - an edited file, a stopped or
    disabled service, a failing health command.
  - Checks run in a private mount namespace in which the new files already stand at their final paths, in check mode
    too.
extends_documentation_fragment:
  - nixvegas.noc.attributes
attributes:
  action:
    support: full
    description: Indicates this has a corresponding action plugin so some parts of the options can be executed on
      the controller.
options:
  name:
    description: Names the transaction on the host; lower-case letters, digits, C(_) and C(-).
    type: str
    required: true
  files:
    description:
      - Files and links the service reads. Missing folders above them are made, owned by root, with mode C(0755).
      - Each takes one of O(files[].template), O(files[].src), O(files[].content), O(files[].link), or
        O(files[].state=absent).
    type: list
    elements: dict
    default: []
    suboptions:
      dest:
        description: Absolute path on the host.
        type: path
        required: true
      template:
        description: A template on the controller, found as M(ansible.builtin.template) finds its
          O(ansible.builtin.template#module:src).
        type: path
      vars:
        description: More variables for the template.
        type: dict
        default: {}
      src:
        description: A file on the controller, found as M(ansible.builtin.copy) finds its source; may be
          vault-encrypted.
        type: path
      content:
        description: The file's text. Ansible may show task arguments; take O(files[].template) or O(files[].src)
          for secrets.
        type: str
      link:
        description: Make a symbolic link with this target.
        type: str
      state:
        description: V(absent) removes a file or link, never a folder.
        type: str
        choices: [present, absent]
        default: present
      mode:
        description: Octal, quoted, with a leading zero. Without it C(0644), and C(0600) for secret files.
        type: str
      owner:
        description: User name or number.
        type: str
        default: root
      group:
        description: Group name or number.
        type: str
        default: root
      secret:
        description: Say in the diff only that the file differs.
        type: bool
        default: false
  directories:
    description: Folders, made before the files.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path on the host.
        type: path
        required: true
      mode:
        description: Octal, quoted, with a leading zero.
        type: str
        default: '0755'
      owner:
        description: User name or number.
        type: str
        default: root
      group:
        description: Group name or number.
        type: str
        default: root
      purge:
        description: Remove files and links in it that this task does not list. Sub-folders are left alone.
        type: bool
        default: false
      purge_patterns:
        description: Purge only names that match one of these shell patterns.
        type: list
        elements: str
        default: ['*']
  trees:
    description: Folders of the controller, copied whole. Files are C(0644), or C(0755) where the source is
      executable. Python's bytecode is left out.
    type: list
    elements: dict
    default: []
    suboptions:
      src:
        description: A folder in the role's C(files), or an absolute path on the controller.
        type: path
        required: true
      dest:
        description: Absolute path on the host.
        type: path
        required: true
      owner:
        description: User name or number.
        type: str
        default: root
      group:
        description: Group name or number.
        type: str
        default: root
      purge:
        description: Remove everything below it that is not in the source.
        type: bool
        default: false
  checks:
    description:
      - Commands that must succeed with the new files at their final paths, before anybody else sees them. Each is a
        list of words; there is no shell.
      - A missing program is an error, in check mode a warning.
    type: list
    elements: list
    default: []
  apply:
    description: Commands to run after the swap and before services are touched. C(systemctl daemon-reload) and
      C(systemd-sysusers) need not be listed.
    type: list
    elements: dict
    default: []
    suboptions:
      command:
        description: The words of the command; there is no shell.
        type: list
        elements: str
        required: true
      when:
        description: Run it when a changed path matches one of these shell patterns (C(*) matches C(/) too), and
          when the service is repaired.
        type: list
        elements: str
        default: ['*']
  services:
    description: systemd units, in the order they are to be started.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The unit's full name.
        type: str
        required: true
      enabled:
        description: Whether it starts with the machine; not managed without it.
        type: bool
      state:
        description: Whether it runs; not managed without it.
        type: str
        choices: [started, stopped]
      on_change:
        description: What a running unit needs when files changed. A change of its own unit file always restarts it,
          unless V(none).
        type: str
        choices: [reload, restart, none]
        default: restart
      when:
        description: Only changed paths that match one of these shell patterns matter to it.
        type: list
        elements: str
        default: ['*']
  health:
    description:
      - Read-only commands that succeed exactly when the service does its work. Asked on every run, also in check
        mode.
      - If one fails though nothing else differs, all O(apply) commands are run and the services restarted. After a
        change all must succeed within O(health_timeout).
    type: list
    elements: dict
    default: []
    suboptions:
      command:
        description: The words of the command; there is no shell.
        type: list
        elements: str
        required: true
      stdout:
        description: What it must say, but for white space around it.
        type: str
      contains:
        description: What must occur in what it says.
        type: list
        elements: str
        default: []
      not_contains:
        description: What must not occur in what it says.
        type: list
        elements: str
        default: []
  health_timeout:
    description: Seconds.
    type: int
    default: 20
  _payload:
    description: The files as the action plugin rendered them. Not to be set by hand.
    type: str
"""

EXAMPLES = r"""
- name: Configure the name server
  nixvegas.noc.service_config:
    name: dns
    files:
      - {dest: /etc/knot/knot.conf, template: knot.conf.j2, group: knot, mode: "0640"}
      - {dest: /etc/knot/tsig.conf, template: tsig.conf.j2, group: knot, mode: "0640", secret: true}
    checks:
      - [knotc, -c, /etc/knot/knot.conf, conf-check]
    services:
      - {name: knot.service, enabled: true, state: started, on_change: reload}
    health:
      - {command: [knotc, status], contains: [Running]}
"""

RETURN = r"""
files_changed:
  description: Paths that changed.
  type: list
  elements: str
  returned: success
services_changed:
  description: What was done to units.
  type: list
  elements: str
  returned: success
  sample: ["knot.service: inactive → active"]
checked:
  description: Checks that accepted the new files; none when no file changed.
  type: list
  elements: str
  returned: success
skipped_checks:
  description: Checks left out in check mode since the program is not installed yet.
  type: list
  elements: str
  returned: success
recovered:
  description: Whether an interrupted run was found and undone first.
  type: bool
  returned: success
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.arguments import MODULE_ARGUMENT_SPEC
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.commands import run
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.diff import diff_of
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.model import ServiceConfigError, build_request
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.payload import decode_payload
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.transaction import Transaction


def main() -> None:
    """Parse, call, report."""
    module = AnsibleModule(argument_spec=MODULE_ARGUMENT_SPEC, supports_check_mode=True)
    payload = module.params["_payload"]
    if payload is None:
        module.fail_json(
            msg="service_config renders its files on the controller; call it as nixvegas.noc.service_config in a task"
        )
    try:
        request = build_request(module.params, *decode_payload(payload))
        outcome = Transaction(request, run, check_mode=module.check_mode).execute()
    except ServiceConfigError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{error.filename or 'the host'}: {error.strerror}. Nothing was changed.")
    for warning in outcome.warnings:
        module.warn(warning)
    result: dict[str, Any] = {
        "changed": outcome.changed,
        "files_changed": [change.path for change in outcome.changes],
        "services_changed": outcome.services_changed,
        "checked": outcome.checked,
        "skipped_checks": outcome.skipped_checks,
        "recovered": outcome.recovered,
    }
    if module._diff:
        result["diff"] = diff_of(outcome.changes, outcome.notes)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
