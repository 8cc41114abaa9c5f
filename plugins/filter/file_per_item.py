# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One file for each item of a list, as M(nixvegas.noc.service_config) takes it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: file_per_item
short_description: One file for each item of a list, for service_config
version_added: 0.1.0
author: The Nix Vegas NOC (@NixVegas)
description:
  - Turns a list into a list for the O(nixvegas.noc.service_config#module:files) of M(nixvegas.noc.service_config).
positional: _input
options:
  _input:
    description: Dictionaries, or texts such as paths.
    type: list
    elements: raw
    required: true
  dest:
    description:
      - The file's path. Names in braces are replaced by the item's keys; for a text, C({item}) by the text and
        C({stem}) by the last part of the path it is, without its extension.
    type: str
    required: true
  options:
    description: Any other keys of O(nixvegas.noc.service_config#module:files), where braces mean the same in texts.
    type: dict
"""

EXAMPLES = r"""
files: "{{ admins | nixvegas.noc.file_per_item('/etc/ssh/authorized_keys.d/{name}', template='authorized_keys.j2') }}"
"""

RETURN = r"""
_value:
  description: Files. Each has a variable C(item) for its template.
  type: list
  elements: dict
"""

from collections.abc import Callable, Iterable
from pathlib import PurePath
from typing import Any

from ansible.errors import AnsibleFilterError


def file_per_item(items: Iterable[Any], dest: str, **options: Any) -> list[dict[str, Any]]:
    """Return a file's options for each item; raises AnsibleFilterError for a name in braces that an item lacks."""
    return [_file(item, {"dest": dest, **options}) for item in items]


def _file(item: Any, options: dict[str, Any]) -> dict[str, Any]:
    names = item if isinstance(item, dict) else {"item": item, "stem": PurePath(str(item)).stem}
    result: dict[str, Any] = {"vars": {"item": item}} if "template" in options else {}
    for key, value in options.items():
        try:
            result[key] = value.format_map(names) if isinstance(value, str) else value
        except KeyError as error:
            message = f"file_per_item: {key} {value!r} names {error}, which {item!r} does not have"
            raise AnsibleFilterError(message) from None
    return result


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"file_per_item": file_per_item}
