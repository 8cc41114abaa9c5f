# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings as text of C(nix.conf)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: nix_conf
short_description: Settings as text of C(nix.conf)
version_added: 0.1.0
author: The Nix Vegas NOC (@NixVegas)
description: One line a setting, sorted by name. Booleans become V(true) and V(false), lists are joined with spaces.
options:
  _input:
    description: The settings by name; each a string, number, boolean, or list of strings and numbers.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the text
  ansible.builtin.debug:
    msg: "{{ {'require-sigs': true, 'trusted-users': ['root', 'crew']} | nixvegas.noc.nix_conf }}"
"""

RETURN = r"""
_value:
  description: The text, with a final newline.
  type: str
"""


def nix_conf(settings: Any) -> str:
    """The text. :raises AnsibleFilterError: naming the setting that has no form in C(nix.conf)."""
    if not isinstance(settings, Mapping):
        raise AnsibleFilterError(f"nix_conf: {settings!r} is not a dictionary of settings")
    return "".join(f"{name} = {_value(name, value)}".rstrip() + "\n" for name, value in sorted(settings.items()))


def _value(name: str, value: Any) -> str:
    if isinstance(value, list | tuple):
        words = [_word(name, item) for item in value]
        if spaced := [word for word in words if word.split() != [word]]:
            raise AnsibleFilterError(f"nix_conf: {name}: {spaced[0]!r} in a list is empty or has spaces")
        return " ".join(words)
    return _word(name, value)


def _word(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int):
        kind = type(value).__name__
        raise AnsibleFilterError(
            f"nix_conf: {name}: {value!r} is a {kind}; give a string, number, boolean or list of them"
        )
    text = str(value)
    if "\n" in text or "#" in text:
        raise AnsibleFilterError(f"nix_conf: {name}: {text!r} has a line break or '#', which nix.conf cannot hold")
    return text


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[[Any], str]]:
        """By name."""
        return {"nix_conf": nix_conf}
