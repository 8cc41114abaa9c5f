# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a task's arguments beyond their types, in the names of playbooks/badges.yml."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping


def mistakes(given: Mapping[str, object]) -> Iterator[str]:
    """All mistakes, a line each. Values of the settings are no part of them, they may be passphrases."""
    if given.get("firmware") in (None, ""):
        yield "firmware (badge_firmware): it is empty; name the folder that `idf.py build` filled"
    if given.get("ledger") in (None, ""):
        yield "ledger (badge_ledger): it is empty; name a CSV file, which need not be there yet, such as ~/badges.csv"
    settings = given.get("settings")
    if settings is not None and not isinstance(settings, Mapping):
        kind = "a list" if isinstance(settings, (list, tuple)) else "no mapping"
        yield f"settings (badge_settings): it is {kind}; write names and values, such as {{mode: lights}}"
    idle = given.get("idle")
    if idle is not None and not _is_time(idle):
        yield f"idle (badge_idle): {str(idle)!r} is no time; write seconds, 0 or more"


def _is_time(value: object) -> bool:
    try:
        seconds = float(value)  # type: ignore[arg-type]  # what is no number raises
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bool) and math.isfinite(seconds) and seconds >= 0
