# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What knot_zone needs of the zones of role dns."""

from __future__ import annotations

DOCUMENTATION = r"""
name: knot_zones
short_description: What knot_zone needs of the zones of role dns
version_added: 0.1.0
description:
  - Leaves out what role C(nixvegas.noc.dns) writes to Knot's configuration.
author: The Nix Vegas NOC (@NixVegas)
options:
  _input:
    description: As C(dns_zones) of the role.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the contents of the zones
  ansible.builtin.debug:
    msg: "{{ dns_zones | nixvegas.noc.knot_zones }}"
"""

RETURN = r"""
_value:
  description: As O(nixvegas.noc.knot_zone#module:zones).
  type: list
  elements: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

CONFIGURATION = frozenset({"allow_update_key", "update_names"})


def knot_zones(zones: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the zones without the keys of CONFIGURATION."""
    return [{key: value for key, value in zone.items() if key not in CONFIGURATION} for zone in zones]


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"knot_zones": knot_zones}
