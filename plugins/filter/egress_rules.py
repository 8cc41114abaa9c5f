# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines of nft for a host through which a site's traffic leaves."""

from __future__ import annotations

DOCUMENTATION = r"""
name: egress_rules
short_description: Lines of nft for a host through which a site's traffic leaves
version_added: 0.1.0
description:
  - Prepares what the template of role C(nixvegas.noc.egress) prints. All mistakes are reported at once.
author: The Nix Vegas NOC (@NixVegas)
positional: _input, tunnel_interface, sources, accept
options:
  _input:
    description: As C(egress_public_interface) of the role.
    type: str
    required: true
  tunnel_interface:
    description: As C(egress_tunnel_interface) of the role.
    type: str
    required: true
  sources:
    description: As C(egress_sources) of the role.
    type: list
    elements: str
    required: true
  accept:
    description: As C(egress_accept) of the role.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the rules of an egress host that accepts SSH
  ansible.builtin.debug:
    msg: "{{ 'ens3' | nixvegas.noc.egress_rules('nebula1', ['10.6.0.0/16'], [{'protocol': 'tcp', 'ports': [22]}]) }}"
"""

RETURN = r"""
_value:
  description: Matches C(public), C(tunnel) and C(sources), and a list of lines C(accept).
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ..plugin_utils.nftables.egress import egress_rules
from ..plugin_utils.nftables.matches import RulesError


def _egress_rules(public_interface: str, *arguments: Any, **named: Any) -> dict[str, Any]:
    try:
        return egress_rules(public_interface, *arguments, **named)
    except RulesError as error:
        raise AnsibleFilterError(f"The egress variables are wrong:\n{error}") from error


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by name."""
        return {"egress_rules": _egress_rules}
