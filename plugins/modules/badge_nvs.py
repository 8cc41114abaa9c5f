#!/usr/bin/python
# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of a Nix badge, as an image file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: badge_nvs
short_description: Write or read the settings of a Nix badge as an image of its flash
version_added: 0.1.0
author: The Nix Vegas NOC (@NixVegas)
description:
  - Writes the image of a badge's C(nvs) partition with the namespace C(config), which the firmware reads at its start.
    The same settings give the same bytes, those that Espressif's C(nvs_partition_gen) would write.
  - Settings that would make a badge restart over and over are refused.
  - Without O(settings) it reads such an image, also one copied from a badge whose Wi-Fi driver has written to it.
  - No passphrase is part of any output. The file has mode C(0600), because it has the passphrase in it.
extends_documentation_fragment: [nixvegas.noc.attributes, nixvegas.noc.badge]
options:
  path:
    description: The image file. Its folder must be there.
    type: path
    required: true
  size:
    description: Bytes of the partition, a multiple of 4096 from 12288.
    type: int
    default: 12288
"""

EXAMPLES = r"""
- name: Write the settings of Zoë's badge
  nixvegas.noc.badge_nvs:
    path: /var/lib/badge/zoe.bin
    settings:
      mode: lights
      name: Zoë
      router_ssid: NixVegas
      router_passphrase: "{{ badge_router_passphrase }}"
      cache_upstream: cache.nixos.lv
      cache_certificate: "{{ lookup('ansible.builtin.file', inventory_dir ~ '/secrets/tls/ca.crt') }}"

- name: Read what stands in a copy of a badge's partition
  nixvegas.noc.badge_nvs:
    path: /tmp/nvs.bin
  register: badge
"""

RETURN = r"""
config:
  description: The namespace C(config) of the image by the firmware's keys, secrets masked. Empty when it has none.
  returned: success
  type: dict
  sample: {boot_mesh: 0, cache_p2p: 1, router_ssid: NixVegas, router_passwd: (secret)}
mode:
  description: The mode that these make, null when the firmware could not start with them.
  returned: success
  type: str
  sample: lights
mistakes:
  description: What is wrong with the settings, one sentence each.
  returned: when settings are refused
  type: list
  elements: str
  sample: ["router_ssid: it is missing; in mode cache the badge would restart over and over without it"]
"""

import os
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.badge import nvs, stored
from ..module_utils.badge.arguments import SETTINGS, BadgeModule
from ..module_utils.badge.settings import NAMESPACE, SettingsError, entries, mode_of, parse

FILE_MODE = 0o600


def read(path: Path) -> bytes:
    """The file's content, empty when it is not there."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def result(image: bytes) -> dict[str, object]:
    mode = mode_of(nvs.read(image).get(NAMESPACE, {}))
    return {"config": stored.describe(image), "mode": mode.value if mode else None}


def show(module: AnsibleModule, path: Path) -> None:
    image = read(path)
    if not image:
        module.fail_json(
            msg=f"{path}: there is no image; copy a badge's nvs partition there, or give settings to write"
        )
    module.exit_json(changed=False, **result(image))


def replace(path: Path, content: bytes) -> None:
    """Puts the file there at once, readable by nobody else from its first byte."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.touch(FILE_MODE, exist_ok=False)
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write(module: AnsibleModule, path: Path) -> None:
    before = read(path)
    after = nvs.build(entries(parse(module.params["settings"])), module.params["size"])
    open_to_others = bool(before) and path.stat().st_mode & 0o777 != FILE_MODE
    if not module.check_mode:
        if not path.parent.is_dir():
            module.fail_json(msg=f"{path}: its folder {path.parent} is not there; make it first")
        if open_to_others:
            path.chmod(FILE_MODE)
        if before != after:
            replace(path, after)
    lines = "mode of the file is not 0600\n" if open_to_others else ""
    diff = {"before_header": str(path), "after_header": str(path)}
    diff |= {"before": lines + stored.lines(before), "after": stored.lines(after, before)}
    module.exit_json(changed=before != after or open_to_others, diff=diff, **result(after))


def main() -> None:
    module = BadgeModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "size": {"type": "int", "default": nvs.PARTITION_SIZE},
            "settings": SETTINGS,
        },
        supports_check_mode=True,
    )
    path = Path(module.params["path"])
    try:
        if module.params["settings"] is None:
            show(module, path)
        write(module, path)
    except SettingsError as error:
        module.fail_json(msg=str(error), mistakes=list(error.mistakes))
    except nvs.NvsError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}")


if __name__ == "__main__":
    main()
