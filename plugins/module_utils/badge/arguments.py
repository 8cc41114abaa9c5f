# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that the badge modules share."""

from __future__ import annotations

from typing import Any

from .settings import Mode

SETTINGS: dict[str, Any] = {
    "type": "dict",
    "options": {
        "mode": {"type": "str", "choices": [mode.value for mode in Mode], "required": True},
        "name": {"type": "str"},
        "router_ssid": {"type": "str"},
        "router_passphrase": {"type": "str", "no_log": True},
        "cache_upstream": {"type": "str"},
        "cache_certificate": {"type": "str"},
        "cache_priority": {"type": "int", "default": 40},
        "cache_store": {"type": "str", "default": "/nix/store"},
    },
}
