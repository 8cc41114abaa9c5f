# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a probe is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Options = Mapping[str, Any]


class NotAskedError(Exception):
    """A question could not be put to the network: says what is missing, and what to do."""


@dataclass(frozen=True)
class Seen:
    """What one probe saw: text for a person, and whether it is what was expected."""

    text: str
    ok: bool


Probe = Callable[[Options], Seen]
