# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kea's DHCPv4 configuration."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kea_dhcp4
short_description: Kea's DHCPv4 configuration
version_added: 0.1.0
description:
  - Prepares the file of kea-dhcp4 from the subnets of role C(nixvegas.noc.dhcp).
author: The Nix Vegas NOC (@NixVegas)
options:
  _input:
    description: As C(dhcp_subnets) of the role.
    type: list
    elements: dict
    required: true
  refused_names:
    description: Names that clients may not have.
    type: list
    elements: str
    default: []
  dynamic_names:
    description: Whether names of clients are entered into the DNS.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Show Kea's configuration
  ansible.builtin.debug:
    msg: "{{ dhcp_subnets | nixvegas.noc.kea_dhcp4(refused_names=['wpad']) | to_nice_json }}"
"""

RETURN = r"""
_value:
  description: Kea's configuration.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ..plugin_utils.kea import dhcp4


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"kea_dhcp4": dhcp4}
