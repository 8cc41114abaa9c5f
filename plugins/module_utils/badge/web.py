# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a web page with ESP Web Tools needs to flash a badge from a browser (github.com/esphome/esp-web-tools)."""

from __future__ import annotations

import json

from . import nvs
from .image import CHIP, Firmware
from .settings import Mode, Settings, entries

MANIFEST = "manifest.json"


def files(firmware: Firmware, title: str, version: str) -> dict[str, bytes]:
    """The manifest and the files it names, which are to stand beside it.

    The settings are those of a badge that knows no network: everybody can read them. Without any, it would not start.
    Raises FirmwareError when the firmware has no place for settings.
    """
    settings = nvs.build(entries(Settings(Mode.LIGHTS)), firmware.nvs_partition.size)
    regions = sorted(firmware.with_nvs(settings), key=lambda region: region.offset)
    manifest = {
        "name": title,
        "version": version,
        "new_install_prompt_erase": True,
        # The firmware cannot be told its network over the cable (Improv): do not wait for it.
        "new_install_improv_wait_time": 0,
        "builds": [
            {
                "chipFamily": CHIP,
                "parts": [{"path": f"{region.name}.bin", "offset": region.offset} for region in regions],
            }
        ],
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    return {MANIFEST: text.encode(), **{f"{region.name}.bin": region.data for region in regions}}
