# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: event_hosts
short_description: A pattern of hosts, if an event was read
version_added: 0.1.0
author:
  - The Nix Vegas NOC (@NixVegas)
description:
  - Returns the pattern it is given, for C(hosts) of a play. Fails when the inventory has no host in group C(managed),
    which the inventory plugin P(nixvegas.noc.event#inventory) fills with all hosts of an event file.
  - Ansible takes an inventory that it cannot read for an empty one, warns, and ends plays over nobody with exit
    status 0. With this lookup such a run fails before its first task, and the error says what is wrong with the event
    file.
  - It does not fail where no host can be touched, with C(--syntax-check), C(--list-hosts), C(--list-tasks) and
    C(--list-tags).
options:
  _terms:
    description: The pattern.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Serve the networks
  hosts: "{{ lookup('nixvegas.noc.event_hosts', 'router:!egress') }}"
  tasks: []
"""

RETURN = r"""
_raw:
  description: The pattern.
  type: list
  elements: str
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible import context
from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.nixvegas.noc.plugins.plugin_utils.event import EventError
from ansible_collections.nixvegas.noc.plugins.plugin_utils.event_file import event_files, read_event

HARMLESS = ("syntax", "listhosts", "listtasks", "listtags")


class LookupModule(LookupBase):
    """Fails when no event was read."""

    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: object) -> list[str]:
        """Return `terms`."""
        groups = (variables or {}).get("groups", {})
        if not groups.get("managed") and not any(context.CLIARGS.get(option) for option in HARMLESS):
            raise AnsibleError(why_no_event([Path(source) for source in context.CLIARGS.get("inventory") or ()]))
        return terms


def why_no_event(inventories: Sequence[Path]) -> str:
    """Why Ansible read no event from these inventories, and what to do about it."""
    files = [file for inventory in inventories for file in event_files(inventory)]
    try:
        for file in files:
            read_event(file)
    except EventError as error:
        return f"no event was read\n{error.report}"
    if files:
        remedy = "let enable_plugins of ansible.cfg, section inventory, begin with nixvegas.noc.event"
        return f"no event was read: Ansible was not told to read {files[0]}; {remedy}"
    places = ", ".join(map(str, inventories)) or "no inventory"
    return f"no event was read: there is no event.yml in {places}; name the folder of yours: -i INVENTORY"
