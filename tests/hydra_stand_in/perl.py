# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How Hydra's Perl takes the values of JSON."""

from __future__ import annotations

import re
from typing import Any


def text(value: Any) -> str:
    """A value where Perl wants a string."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, list):
        return "{" + ",".join(f'"{text(item)}"' for item in value) + "}"  # as the database driver writes an array
    return str(value)


def trim(value: Any) -> str:
    """Without blanks at the ends; nothing for null."""
    return text(value).strip()


def integer(value: Any) -> int:
    """A value where Perl wants a number: what begins like one, or else 0."""
    found = re.match(r"\s*(-?\d+)", text(value))
    return int(found[1]) if found else 0
