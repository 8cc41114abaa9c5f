#!/usr/bin/python
# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of an action plugin: see plugins/action/verify_report.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: verify_report
short_description: Print the answers of probes as one table
version_added: 0.1.0
description:
  - Prints the answers that M(nixvegas.noc.probe) gathered on all hosts as one aligned table, whatever the callback.
  - Fails if one of them is wrong, naming it. Answers of one group are one line when they are right.
  - Runs on the controller.
extends_documentation_fragment:
  - nixvegas.noc.attributes
attributes:
  diff_mode:
    support: none
options:
  answers:
    description:
      - The answers by host, as RV(nixvegas.noc.probe#module:results).
      - Null for a host that gave none, which is wrong, too.
    type: dict
    required: true
  not_asked:
    description: What was not asked, and why; printed below the table.
    type: list
    elements: str
    default: []
author:
  - The Nix Vegas NOC (@NixVegas)
"""

EXAMPLES = r"""
- name: Print the answers
  nixvegas.noc.verify_report:
    answers:
      laptop: "{{ hostvars['laptop'].asked.results }}"
"""

RETURN = r"""
rows:
  description: How many rows the table has.
  returned: always
  type: int
  sample: 40
wrong:
  description: The wrong rows, one line each.
  returned: always
  type: list
  elements: str
  sample: ["laptop: the cache's name: expected 10.33.0.1, seen no answer"]
"""
