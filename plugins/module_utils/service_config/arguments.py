# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of M(nixvegas.noc.service_config), used by the action plugin (controller) and the module (host) alike."""

from __future__ import annotations

from typing import Any

_OWNERSHIP: dict[str, Any] = {
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
}

FILES: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "dest": {"type": "path", "required": True},
        "template": {"type": "path"},
        "vars": {"type": "dict", "default": {}},
        "src": {"type": "path"},
        "content": {"type": "str"},
        "link": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "mode": {"type": "str"},
        "secret": {"type": "bool", "default": False},
        **_OWNERSHIP,
    },
    "mutually_exclusive": [["template", "src", "content", "link"]],
}

DIRECTORIES: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "path": {"type": "path", "required": True},
        "mode": {"type": "str", "default": "0755"},
        "purge": {"type": "bool", "default": False},
        "purge_patterns": {"type": "list", "elements": "str", "default": ["*"]},
        **_OWNERSHIP,
    },
}

TREES: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "src": {"type": "path", "required": True},
        "dest": {"type": "path", "required": True},
        "purge": {"type": "bool", "default": False},
        **_OWNERSHIP,
    },
}

APPLY: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "command": {"type": "list", "elements": "str", "required": True},
        "when": {"type": "list", "elements": "str", "default": ["*"]},
    },
}

SERVICES: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "name": {"type": "str", "required": True},
        "enabled": {"type": "bool"},
        "state": {"type": "str", "choices": ["started", "stopped"]},
        "on_change": {"type": "str", "choices": ["reload", "restart", "none"], "default": "restart"},
        "when": {"type": "list", "elements": "str", "default": ["*"]},
    },
}

HEALTH: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "command": {"type": "list", "elements": "str", "required": True},
        "stdout": {"type": "str"},
        "contains": {"type": "list", "elements": "str", "default": []},
        "not_contains": {"type": "list", "elements": "str", "default": []},
    },
}

ARGUMENT_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "files": FILES,
    "directories": DIRECTORIES,
    "trees": TREES,
    "checks": {"type": "list", "elements": "list", "default": []},
    "apply": APPLY,
    "services": SERVICES,
    "health": HEALTH,
    "health_timeout": {"type": "int", "default": 20},
}

# What the action plugin rendered: one opaque value, so that no file's content reaches a log and diffs stay uncensored.
MODULE_ARGUMENT_SPEC: dict[str, Any] = {**ARGUMENT_SPEC, "_payload": {"type": "str", "no_log": True}}
