#!/usr/bin/python
# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Nix badges on a machine."""

from __future__ import annotations

DOCUMENTATION = r"""
module: badge_info
short_description: Find the Nix badges that are plugged into a machine
version_added: 0.1.0
author: The Nix Vegas NOC (@NixVegas)
description:
  - Finds badges by their USB identifiers, with slot, serial port and MAC address, without opening a port. The badges do
    not notice.
  - With O(probe=true) it asks each for its chip, flash and security state.
extends_documentation_fragment: [nixvegas.noc.attributes]
attributes:
  check_mode:
    details:
      - Does the same as without. With O(probe=true), badges are started again.
  diff_mode:
    support: none
    details:
      - Changes nothing.
options:
  probe:
    description:
      - Whether to ask the badges, one after the other. They are put into download mode for it and started again.
      - Needs esptool, which the role P(nixvegas.noc.badge#role) installs; let the module run there with
        C(ansible_python_interpreter=/opt/nixvegas/badge/bin/python).
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: See which slot a badge is in, to write badge_slots
  nixvegas.noc.badge_info:
  register: found

- name: Ask the badges for their chips
  nixvegas.noc.badge_info:
    probe: true
  vars:
    ansible_python_interpreter: /opt/nixvegas/badge/bin/python
"""

RETURN = r"""
badges:
  description: The badges that are plugged in, in the order of their slots.
  returned: success
  type: list
  elements: dict
  contains:
    slot:
      description: The slot's name, or the socket's where the role P(nixvegas.noc.badge#role) has no name for it.
      type: str
      sample: "1"
    socket:
      description: The USB socket as the kernel names it, the value for C(badge_slots) of the role.
      type: str
      sample: 1-1.4
    mac:
      description: The base MAC address; empty if the device tells none.
      type: str
      sample: 40:4c:ca:57:0a:1f
    port:
      description: The serial port, which changes with each plugging; empty while the kernel has none.
      type: str
      sample: /dev/ttyACM0
    probe:
      description: What the badge said of itself.
      type: dict
      returned: when O(probe=true)
      contains:
        mac:
          description: The base MAC address in its fuses.
          type: str
        chip:
          description: The chip and its package.
          type: str
          sample: ESP32-C6FH4 (QFN32)
        revision:
          description: The chip's revision.
          type: str
          sample: v0.1
        flash_size:
          description: Bytes of flash.
          type: int
          sample: 4194304
        security:
          description:
            - V(open), or V(locked) when secure boot, secure download mode or flash encryption is on.
            - A locked badge has only this, C(problem) and C(advice).
          type: str
        problem:
          description: Why it was not asked, in place of the answers.
          type: str
        advice:
          description: What to do about that.
          type: str
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ..module_utils.badge.probe import probe
from ..module_utils.badge.session import ESPTOOL_ERROR
from ..module_utils.badge.station import Badge, find

SYSFS = Path("/sys")
DEV = Path("/dev")
WITHOUT_PORT = {
    "problem": "the kernel has no serial port for it",
    "advice": "plug the badge in again; if it stays so, load the kernel's module cdc_acm",
}


def describe(badge: Badge, ask: bool) -> dict[str, object]:
    """A badge as the module returns it."""
    plain: dict[str, object] = {
        "slot": badge.slot,
        "socket": badge.usb_path,
        "mac": badge.mac,
        "port": badge.port,
    }
    if ask:
        plain["probe"] = probe(badge.port) if badge.port else WITHOUT_PORT
    return plain


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={"probe": {"type": "bool", "default": False}},
        supports_check_mode=True,
    )
    ask = module.params["probe"]
    if ask and ESPTOOL_ERROR:
        advice = (
            "The role nixvegas.noc.badge installs it: set ansible_python_interpreter to /opt/nixvegas/badge/bin/python"
        )
        module.fail_json(msg=f"{missing_required_lib('esptool (>=5.3,<6)')}. {advice}", exception=ESPTOOL_ERROR)
    module.exit_json(changed=False, badges=[describe(badge, ask) for badge in find(SYSFS, DEV)])


if __name__ == "__main__":
    main()
