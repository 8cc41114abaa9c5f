# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What playbooks/badges.yml is told to flash simulated badges."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import yaml

from .firmware import write_build
from .slot import Slot

VARIABLES = "table.yml"


def write_variables(folder: Path, table: Iterable[Slot]) -> Path:
    """A file of variables for a table of these slots, with a firmware made for them beside it."""
    variables = {
        "badge_firmware": str(write_build(folder / "firmware")),
        "badge_ledger": str(folder / "badges.csv"),
        "badge_ports": [slot.port for slot in table],
        "badge_python": sys.executable,
        "badge_settings": {"mode": "lights"},
    }
    file = folder / VARIABLES
    file.write_text(yaml.safe_dump(variables), encoding="utf-8")
    return file
