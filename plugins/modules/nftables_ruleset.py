#!/usr/bin/python
# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep nftables tables as a text says."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nftables_ruleset
short_description: Keep nftables tables as a text says
version_added: 0.1.0
description:
  - Makes the kernel hold exactly the tables that a ruleset names, in one atomic transaction, and has them loaded at
    boot.
  - Owned are the tables that the text names, and those that the former ruleset of the same O(name) named and this one
    does not. Tables of others are never touched.
  - What the kernel holds is compared, not a file. The ruleset is loaded in a network namespace of its own first, so
    that both sides are as the kernel lists them. Values of counters and elements of sets with the flags C(dynamic) or
    C(timeout) are not compared. If nothing differs, nothing is applied.
  - The ruleset is kept as C(/etc/nftables.d/NAME.nft). C(/etc/nftables.conf) includes that folder and is replaced if
    it holds something else; of what neither this module nor Debian's package wrote, a copy stays as
    C(/etc/nftables.conf.before-nixvegas). A drop-in takes C(nft flush ruleset) away from stopping
    C(nftables.service), which is enabled and started.
  - After the kernel's tables have changed, the connection to the host is made anew. If that does not succeed within
    O(confirm_timeout), the host puts the former tables back by itself and the task fails. Boot-time files are written
    only after the confirmation. Connections that cannot be made anew, such as C(local), are not confirmed.
options:
  name:
    description: Name of the ruleset; lower-case letters, digits, C(_) and C(-).
    type: str
    required: true
  ruleset:
    description:
      - Text of the ruleset, in the syntax of C(nft). It may hold C(table FAMILY NAME { ... }) blocks, C(define) and
        comments only.
      - Interfaces are best named by C(iifname) and C(oifname); C(iif), C(oif), flowtables and the family C(netdev)
        need the interface to exist in the namespace where the ruleset is loaded first, so that only C(lo) works.
      - Required if O(state=present).
    type: str
  state:
    description: Whether the ruleset is there. If V(absent), its tables and its file are removed.
    type: str
    choices: [present, absent]
    default: present
  confirm_timeout:
    description:
      - Seconds within which a new connection must succeed after the kernel's tables have changed. V(0) applies
        without a way back.
    type: int
    default: 30
  phase:
    description: Set by the action plugin. Playbooks leave it alone.
    type: str
    choices: [whole, apply, confirm]
    default: whole
  change:
    description: Set by the action plugin, to tell the changes of different runs apart. Playbooks leave it alone.
    type: str
    default: ""
requirements:
  - nft (Debian package nftables) and unshare (util-linux) on the host
  - systemd on the host
extends_documentation_fragment:
  - nixvegas.noc.attributes
author:
  - The Nix Vegas NOC (@NixVegas)
"""

EXAMPLES = r"""
- name: Let SSH and replies in
  nixvegas.noc.nftables_ruleset:
    name: host
    ruleset: |
      table inet host_input {
        chain input {
          type filter hook input priority filter; policy drop;
          iifname "lo" accept
          ct state established,related accept
          tcp dport 22 accept
        }
      }

- name: Remove the ruleset and its tables
  nixvegas.noc.nftables_ruleset:
    name: host
    state: absent
"""

RETURN = r"""
tables:
  description: The tables that the module owns, or owned until now.
  type: list
  elements: str
  returned: success
  sample: [inet host_input]
tables_changed:
  description: What differed in the kernel.
  type: list
  elements: str
  returned: success
  sample: ["table inet host_input (kernel)"]
boot_changed:
  description: What differed for the next boot, files and the service.
  type: list
  elements: str
  returned: success
  sample: [/etc/nftables.d/host.nft, nftables.service]
confirmed:
  description: Whether the changed tables were confirmed over a new connection.
  type: bool
  returned: success
"""

import re

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.nixvegas.noc.plugins.module_utils.nft.boot import MAIN_PATH
from ansible_collections.nixvegas.noc.plugins.module_utils.nft.host import NftError
from ansible_collections.nixvegas.noc.plugins.module_utils.nft.manage import Host
from ansible_collections.nixvegas.noc.plugins.module_utils.nft.plan import Plan, Wanted
from ansible_collections.nixvegas.noc.plugins.module_utils.nft.ruleset import RulesetError, parse
from ansible_collections.nixvegas.noc.plugins.module_utils.nft.unconfirmed import Unconfirmed


def _wanted(module: AnsibleModule) -> Wanted:
    name = module.params["name"]
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise RulesetError(f"name: '{name}' is no ruleset name; use lower-case letters, digits, '_' and '-'")
    if module.params["state"] == "absent":
        return Wanted(name, "", ())
    text = module.params["ruleset"] or ""
    return Wanted(name, text, parse(text))


def _result(plan: Plan) -> dict[str, object]:
    return {
        "changed": bool(plan.changes),
        "diff": [change.as_diff() for change in plan.changes],
        "tables": [str(table) for table in plan.tables],
        "tables_changed": [change.what for change in plan.table_changes],
        "boot_changed": [change.what for change in plan.boot_changes],
        "confirmed": False,
    }


def _settle_unconfirmed(module: AnsibleModule, unconfirmed: Unconfirmed) -> None:
    """Decide about a change that still waits, so that the plan is made from tables that stay."""
    if module.params["phase"] == "confirm":
        if not unconfirmed.confirm():
            module.fail_json(
                msg=f"The new tables of ruleset '{module.params['name']}' were not confirmed over a new connection"
                f" within {module.params['confirm_timeout']} seconds, so the host has put the former tables back."
                " Boot-time files were not touched. Probably the ruleset refuses SSH from this controller;"
                " look at its input chain.",
                rolled_back=True,
            )
    elif unconfirmed.pending:
        if module.check_mode:
            module.warn("An earlier change of this ruleset is not confirmed yet; the host is about to undo it.")
        else:
            unconfirmed.undo()


def _apply(module: AnsibleModule, host: Host, plan: Plan, unconfirmed: Unconfirmed) -> bool:
    """Carry the plan out; True if the change of the kernel's tables now waits for its confirmation."""
    if module.params["phase"] == "apply" and plan.table_changes:
        unconfirmed.arm(host.undo_text(plan), module.params["confirm_timeout"])
        try:
            host.apply_tables(plan)
        except NftError:
            unconfirmed.confirm()
            raise
        return True
    host.apply_tables(plan)
    kept = host.apply_boot(plan)
    if kept:
        module.warn(f"{MAIN_PATH} was not written by this module; its former content is kept as {kept}.")
    return False


def main() -> None:
    """Parse, plan, apply, report."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "ruleset": {"type": "str"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "confirm_timeout": {"type": "int", "default": 30},
            "phase": {"type": "str", "choices": ["whole", "apply", "confirm"], "default": "whole"},
            "change": {"type": "str", "default": ""},
        },
        required_if=[("state", "present", ["ruleset"])],
        supports_check_mode=True,
    )

    def run(command: list[str], text: str | None) -> tuple[int, str, str]:
        code, output, errors = module.run_command(command, data=text, environ_update={"LC_ALL": "C"})
        return code, output, errors

    program = module.get_bin_path("nft")
    host = Host(run, program or "nft")
    unconfirmed = Unconfirmed(run, module.params["name"], module.params["change"], program or "nft")
    try:
        wanted = _wanted(module)
        if program is None:
            if not module.check_mode:
                module.fail_json(msg="nft is not installed on the host; install the package nftables first")
            module.warn("nft is not installed on the host, so the ruleset was not checked and the kernel not asked.")
            module.exit_json(**_result(host.plan_without_nft(wanted)))
        _settle_unconfirmed(module, unconfirmed)
        plan = host.plan(wanted)
        result = _result(plan)
        if plan.changes and not module.check_mode:
            result["confirm_pending"] = _apply(module, host, plan, unconfirmed)
        module.exit_json(**result)
    except (RulesetError, NftError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
