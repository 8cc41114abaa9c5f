# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the badge modules share: the option `settings`, and that a failure shows none of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule

from .settings import NAMES, Mode

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
_PUBLIC = {*NAMES, *(mode.value for mode in Mode)}
# Ansible masks a word wherever it stands; shorter ones are in every sentence.
_MASKED_LENGTH = 4


class BadgeModule(AnsibleModule):  # type: ignore[misc]
    """A module with `settings`. Ansible masks a passphrase that stands where it belongs; in settings that it refuses
    (a list, a misspelt key, a passphrase as the mode) it would show the value, and with -vvv all of them."""

    _is_checked = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._is_checked = True

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        given = self.params.get("settings")
        if given is not None:
            kwargs["invocation"] = {"module_args": {**self.params, "settings": "(not shown)"}}
            if not self._is_checked:
                self.no_log_values.update(_words(given))
        super().fail_json(msg, **kwargs)
        raise AssertionError  # for mypy: it does not return


def _words(given: object) -> Iterator[str]:
    """All words of refused settings that are none of ours."""
    if isinstance(given, Mapping):
        given = [*given.keys(), *given.values()]
    if isinstance(given, (list, tuple)):
        for item in given:
            yield from _words(item)
    elif (word := str(given)) not in _PUBLIC and len(word) >= _MASKED_LENGTH:
        yield word
