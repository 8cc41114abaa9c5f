#!/usr/bin/python
# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nix badges flashed from a browser."""

from __future__ import annotations

DOCUMENTATION = r"""
module: badge_web
short_description: Publish a badge's firmware for flashing from a browser
version_added: 0.1.0
author: The Nix Vegas NOC (@NixVegas)
description:
  - Fills a folder of a web server with a badge's firmware and the manifest that ESP Web Tools reads, for those who
    flash one badge at home. For a table of badges there is M(nixvegas.noc.badge_flash).
  - The settings are those of a badge that knows no network and shows its lights, since everybody can read them.
  - Files that were published earlier under other names are left where they are.
extends_documentation_fragment: [nixvegas.noc.attributes]
options:
  build:
    description: Folder of an ESP-IDF build, with its C(flasher_args.json).
    type: path
    required: true
  dest:
    description: The folder to fill. It is made if its parent is there.
    type: path
    required: true
  title:
    description: What the page calls the firmware.
    type: str
    default: Nix Badge
  version:
    description: The version that the page shows.
    type: str
    required: true
seealso:
  - name: ESP Web Tools
    description: The button for the page, and what browsers it works in.
    link: https://esphome.github.io/esp-web-tools/
"""

EXAMPLES = r"""
- name: Publish the firmware of the badges
  nixvegas.noc.badge_web:
    build: /srv/badge/firmware
    dest: /var/www/badge
    version: "1.0"
"""

RETURN = r"""
files:
  description: The files in the folder that belong to this firmware.
  returned: success
  type: list
  elements: str
  sample: [app.bin, bootloader.bin, manifest.json, nvs.bin, partition-table.bin]
written:
  description: Those of them that were written; in check mode that would be.
  returned: success
  type: list
  elements: str
"""

import hashlib
import os
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.badge.build import firmware_from_build
from ..module_utils.badge.errors import FirmwareError
from ..module_utils.badge.web import MANIFEST, files

FILE_MODE = 0o644


def read(path: Path) -> bytes | None:
    """The file's content, None when it is not there."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def replace(path: Path, content: bytes) -> None:
    """Puts the file there at once."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.chmod(FILE_MODE)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def text(contents: dict[str, bytes | None]) -> str:
    """Files as the text of a diff: the manifest as it is, the others by their hashes."""
    lines = [
        f"{name}: {len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()[:16]}\n"
        for name, content in sorted(contents.items())
        if content is not None and name != MANIFEST
    ]
    return "".join(lines) + (contents.get(MANIFEST) or b"").decode(errors="replace")


def publish(module: AnsibleModule) -> None:
    """Write what differs and exit. Raises FirmwareError and OSError."""
    folder = Path(module.params["dest"])
    wanted = files(firmware_from_build(Path(module.params["build"])), module.params["title"], module.params["version"])
    present = {name: read(folder / name) for name in wanted}
    # The manifest last: until then a browser gets the former firmware or an error, never a mixture that fits.
    changed = sorted(
        (name for name in wanted if wanted[name] != present[name]), key=lambda name: (name == MANIFEST, name)
    )
    if not module.check_mode and changed:
        folder.mkdir(exist_ok=True)
        for name in changed:
            replace(folder / name, wanted[name])
    diff = {"before_header": str(folder), "after_header": str(folder)}
    diff |= {"before": text(present), "after": text(dict(wanted))}
    module.exit_json(changed=bool(changed), files=sorted(wanted), written=changed, diff=diff)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "build": {"type": "path", "required": True},
            "dest": {"type": "path", "required": True},
            "title": {"type": "str", "default": "Nix Badge"},
            "version": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    try:
        publish(module)
    except FirmwareError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}")


if __name__ == "__main__":
    main()
