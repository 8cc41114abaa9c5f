# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings that stand in an image, shown and compared without their secrets.

A badge's whole NVS partition is never compared: after the first start its Wi-Fi driver has written to it too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from . import nvs
from .nvs import Entry
from .settings import NAMESPACE

SECRET_KEYS = frozenset({"router_passwd"})
"""Keys of `config` whose values are never shown."""
SHOWN_LENGTH = 80


def describe(image: bytes) -> dict[str, int | str]:
    """The namespace `config` of an image, secrets masked. Empty when there is none: such a badge does not start."""
    return {key: _masked(entry) for key, entry in _by_key(nvs.read_entries(image)).items()}


def differences(image: bytes, wanted: Iterable[Entry]) -> list[str]:
    """What of the namespace `config` in an image is other than wanted, a line for each key; empty when all is right."""
    before, after = _by_key(nvs.read_entries(image)), _by_key(wanted)
    return [
        f"{key}: {_shown(before.get(key))} -> {_shown(after.get(key), before.get(key))}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]


def lines(image: bytes, earlier: bytes = b"") -> str:
    """The namespace `config` of an image as a diff's text; of a secret it says whether it was another one earlier."""
    before = _by_key(nvs.read_entries(earlier))
    now = _by_key(nvs.read_entries(image))
    return "".join(f"{key}: {_shown(now[key], before.get(key))}\n" for key in sorted(now))


def _by_key(entries: Iterable[Entry]) -> dict[str, Entry]:
    return {entry.key: entry for entry in entries if entry.namespace == NAMESPACE}


def _masked(entry: Entry) -> int | str:
    return "(secret)" if entry.key in SECRET_KEYS else entry.value


def _shown(entry: Entry | None, earlier: Entry | None = None) -> str:
    """An entry in one line; long texts by their hash."""
    if entry is None:
        return "(absent)"
    if entry.key in SECRET_KEYS:
        return "(secret, differs)" if earlier not in (None, entry) else "(secret)"
    if isinstance(entry.value, int):
        return f"{entry.value} ({entry.type.name.lower()})"
    if len(entry.value) > SHOWN_LENGTH or not entry.value.isprintable():
        return f"{len(entry.value.encode())} bytes, SHA-256 {hashlib.sha256(entry.value.encode()).hexdigest()[:16]}"
    return repr(entry.value)
