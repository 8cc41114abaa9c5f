# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines of nft from zones and what is permitted between them."""

from __future__ import annotations

DOCUMENTATION = r"""
name: firewall_rules
short_description: Lines of nft from zones and what is permitted between them
version_added: 0.1.0
description:
  - Prepares what the template of role C(nixvegas.noc.firewall) prints. All mistakes are reported at once.
author: The Nix Vegas NOC (@NixVegas)
positional: _input
options:
  _input:
    description: Interfaces by zone.
    type: dict
    required: true
  accept_input:
    description: As C(firewall_input) of the role.
    type: list
    elements: dict
    default: []
  forward:
    description: As C(firewall_forward) of the role.
    type: list
    elements: dict
    default: []
  redirect:
    description: As C(firewall_redirect) of the role.
    type: list
    elements: dict
    default: []
  masquerade:
    description: As C(firewall_masquerade) of the role.
    type: list
    elements: dict
    default: []
  uplink_zones:
    description: As C(firewall_uplink_zones) of the role.
    type: list
    elements: str
    default: []
  antispoof_zones:
    description: As C(firewall_antispoof_zones) of the role.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show the rules for SSH from one zone
  ansible.builtin.debug:
    msg: "{{ {'lan': ['eth1']} | nixvegas.noc.firewall_rules(accept_input=ssh) }}"
  vars:
    ssh:
      - {zones: [lan], protocol: tcp, ports: [22]}
"""

RETURN = r"""
_value:
  description:
    - C(sets), a list of C(name), C(type) and C(members).
    - C(input), C(forward), C(redirect) and C(masquerade), lists of lines.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ..plugin_utils.nftables.firewall import firewall_rules
from ..plugin_utils.nftables.matches import RulesError


def _firewall_rules(zones: dict[str, list[str]], **rules: Any) -> dict[str, Any]:
    try:
        return firewall_rules(zones, **rules)
    except RulesError as error:
        raise AnsibleFilterError(f"The firewall's variables are wrong:\n{error}") from error


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by name."""
        return {"firewall_rules": _firewall_rules}
