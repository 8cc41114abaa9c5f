#!/usr/bin/python
# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One Nix badge: its firmware and its settings."""

from __future__ import annotations

DOCUMENTATION = r"""
module: badge_flash
short_description: Bring a Nix badge to a firmware and settings
version_added: 0.1.0
author: The Nix Vegas NOC (@NixVegas)
description:
  - Compares what is on a badge with the firmware and the settings it should have, writes only what differs, lets the
    badge verify what was written, and starts it.
  - Regions of the firmware are compared by their MD5, the settings by their keys, because the Wi-Fi driver of a badge
    writes to the same partition.
  - The program is written first and the bootloader last. When the connection breaks, the module waits for the same
    badge, connects again and goes on with what still differs.
  - Refused are firmware of another chip, regions that overlap, are too large for their partition or not aligned, boards
    with another chip, with too little flash, with secure boot, secure download mode or flash encryption.
  - Without O(settings) those of the badge stay as they are. A new badge without settings restarts over and over.
requirements:
  - esptool >= 5.3, < 6
notes:
  - The role P(nixvegas.noc.badge#role) installs esptool on the flashing station in a virtual environment. Let the
    module run there with C(ansible_python_interpreter=/opt/nixvegas/badge/bin/python).
extends_documentation_fragment: [nixvegas.noc.attributes, nixvegas.noc.badge]
attributes:
  check_mode:
    details:
      - Connects to the badge and reads, and starts it again.
options:
  port:
    description:
      - The badge's serial port. Better a link of the role's, such as C(/dev/badge/slot1), than C(/dev/ttyACM0). A badge
        that comes back after its connection broke may have another number.
    type: path
    required: true
  build:
    description: Folder of an ESP-IDF build, with its C(flasher_args.json). Either this or O(regions).
    type: path
  regions:
    description: Files and where they belong.
    type: list
    elements: dict
    suboptions:
      offset:
        description: Offset in the flash, such as V(0x10000). A multiple of V(0x1000).
        type: str
        required: true
      path:
        description: The file.
        type: path
        required: true
  mac:
    description: The MAC address of the badge that has to be there. Any other is left alone.
    type: str
  baud:
    description: Speed in bit/s after connecting. It means nothing to badges on their own USB.
    type: int
    default: 460800
  patience:
    description: Seconds to wait for a badge whose connection broke.
    type: float
    default: 10
"""

EXAMPLES = r"""
- name: Flash the badge in slot 1
  nixvegas.noc.badge_flash:
    port: /dev/badge/slot1
    build: /srv/badge/firmware
    settings:
      mode: cache
      router_ssid: NixVegas
      router_passphrase: "{{ badge_router_passphrase }}"
      cache_upstream: cache.nixos.lv
  vars:
    ansible_python_interpreter: /opt/nixvegas/badge/bin/python

- name: Write a new program, and leave all else as it is
  nixvegas.noc.badge_flash:
    port: /dev/badge/slot1
    regions:
      - {offset: "0x10000", path: /srv/badge/nixbadge.bin}
"""

RETURN = r"""
mac:
  description: The badge's MAC address.
  type: str
  returned: success
  sample: 60:55:f9:00:00:01
chip:
  description: Its chip and revision.
  type: str
  returned: success
  sample: ESP32-C6FH4 (QFN32) (revision v0.1)
written:
  description: What was written, in this order; in check mode what would be.
  type: list
  elements: str
  returned: success
  sample: [app, nvs]
kept:
  description: What was right already.
  type: list
  elements: str
  returned: success
  sample: [partition-table, bootloader]
settings_changed:
  description: How the settings changed, without secrets.
  type: list
  elements: str
  returned: success
  sample: ["router_ssid: (absent) -> 'NixVegas'"]
bytes_written:
  description: How many bytes of flash were written.
  type: int
  returned: success
seconds:
  description: How long it took.
  type: float
  returned: success
reconnects:
  description: How often the connection had to be made anew.
  type: int
  returned: success
advice:
  description: What to do with a badge that was not flashed.
  type: str
  returned: when a badge was not flashed
  sample: swap the cable and plug the badge in again
mistakes:
  description: What is wrong with the settings, one sentence each.
  type: list
  elements: str
  returned: when settings are refused
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ..module_utils.badge import nvs
from ..module_utils.badge.arguments import SETTINGS, BadgeModule
from ..module_utils.badge.build import firmware_from_build, firmware_from_regions
from ..module_utils.badge.errors import BadgeError, FirmwareError
from ..module_utils.badge.flasher import DEFAULT_BAUD, PATIENCE, flash
from ..module_utils.badge.image import Firmware
from ..module_utils.badge.session import ESPTOOL_ERROR
from ..module_utils.badge.settings import SettingsError, entries, parse

ARGUMENTS = {
    "port": {"type": "path", "required": True},
    "build": {"type": "path"},
    "regions": {
        "type": "list",
        "elements": "dict",
        "options": {"offset": {"type": "str", "required": True}, "path": {"type": "path", "required": True}},
    },
    "settings": SETTINGS,
    "mac": {"type": "str"},
    "baud": {"type": "int", "default": DEFAULT_BAUD},
    "patience": {"type": "float", "default": PATIENCE},
}


def firmware_of(module: AnsibleModule) -> Firmware:
    """The firmware the options name. Raises FirmwareError."""
    if module.params["build"]:
        return firmware_from_build(Path(module.params["build"]))
    regions = []
    for number, region in enumerate(module.params["regions"]):
        try:
            regions.append((int(region["offset"], 0), Path(region["path"])))
        except ValueError as error:
            raise FirmwareError(
                f"regions[{number}].offset: {region['offset']!r} is no number; write one such as 0x10000"
            ) from error
    return firmware_from_regions(regions)


def settings_of(module: AnsibleModule, firmware: Firmware) -> bytes | None:
    """The image of the settings, None if there are none. Raises SettingsError, nvs.NvsError, FirmwareError."""
    given = module.params["settings"]
    return nvs.build(entries(parse(given)), firmware.nvs_partition.size) if given else None


def main() -> None:
    """Run the module."""
    module = BadgeModule(
        argument_spec=ARGUMENTS,
        mutually_exclusive=[("build", "regions")],
        required_one_of=[("build", "regions")],
        supports_check_mode=True,
    )
    if ESPTOOL_ERROR:
        advice = (
            "The role nixvegas.noc.badge installs it: set ansible_python_interpreter to /opt/nixvegas/badge/bin/python"
        )
        module.fail_json(msg=f"{missing_required_lib('esptool (>=5.3,<6)')}. {advice}", exception=ESPTOOL_ERROR)
    try:
        firmware = firmware_of(module)
        outcome = flash(
            module.params["port"],
            firmware,
            settings_of(module, firmware),
            baud=module.params["baud"],
            check=module.check_mode,
            expected_mac=module.params["mac"],
            patience=module.params["patience"],
        )
    except SettingsError as error:
        module.fail_json(msg=str(error), mistakes=list(error.mistakes))
    except nvs.NvsError as error:
        module.fail_json(msg=f"settings: {error}")
    except BadgeError as error:
        module.fail_json(msg=f"{error}: {error.advice}", advice=error.advice)
    before, after = outcome.diff
    header = f"badge {outcome.mac}"
    module.exit_json(
        diff={"before": before, "after": after, "before_header": header, "after_header": header}, **outcome.result()
    )


if __name__ == "__main__":
    main()
