# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of M(nixvegas.noc.nebula_cert), which its parts on the controller and on the host both check."""

from __future__ import annotations

from typing import Any


def cert_arguments() -> dict[str, Any]:
    """A fresh copy, as AnsibleModule may change what it is given."""
    return {
        "name": {"type": "str", "required": True},
        "address": {"type": "str", "required": True},
        "groups": {"type": "list", "elements": "str", "default": []},
        "subnets": {"type": "list", "elements": "str", "default": []},
        "ca_certificate_file": {"type": "str", "required": True},
        "ca_key_file": {"type": "str", "required": True, "no_log": False},
        "days": {"type": "int"},
        "renew_before": {"type": "int", "default": 30},
        "directory": {"type": "path", "default": "/etc/nebula"},
        "owner": {"type": "str", "default": "root"},
        "signed": {
            "type": "dict",
            "options": {
                "certificate": {"type": "str", "required": True},
                "authorities": {"type": "str", "required": True},
            },
        },
    }
