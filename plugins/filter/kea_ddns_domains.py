# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Zones that Kea updates."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kea_ddns_domains
short_description: Zones that Kea updates
version_added: 0.1.0
description:
  - Prepares the zones in the file of kea-dhcp-ddns from the variables of role C(nixvegas.noc.dhcp).
author: The Nix Vegas NOC (@NixVegas)
positional: _input, ddns, direction
options:
  _input:
    description: As C(dhcp_subnets) of the role.
    type: list
    elements: dict
    required: true
  ddns:
    description: As C(dhcp_ddns) of the role.
    type: dict
    required: true
  direction:
    description: Whether names or addresses are looked up in the zones.
    type: str
    choices: [forward, reverse]
    required: true
"""

EXAMPLES = r"""
- name: Show the zones of names
  ansible.builtin.debug:
    msg: "{{ dhcp_subnets | nixvegas.noc.kea_ddns_domains(dhcp_ddns, 'forward') }}"
"""

RETURN = r"""
_value:
  description: Kea's C(ddns-domains).
  type: list
  elements: dict
"""

from collections.abc import Callable
from typing import Any

from ..plugin_utils.kea import ddns_domains


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"kea_ddns_domains": ddns_domains}
