# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that refer to something: does the file define it?"""

from __future__ import annotations

from ..document import Cell, Document
from ..mistakes import nearest
from ..schema import INTERNET, OVERLAY

# What a name should have been, and what all of those are called.
MEANT = {
    "network": ("is not a network of this event", "networks"),
    "uplink": ("is not an uplink of this event", "uplinks"),
    "host": ("is not a host of this event", "hosts"),
    "cache": ("is not a cache of this event", "caches"),
    "zone": ('is neither a network of this event nor "overlay" or "internet"', "zones"),
    "source zone": ('is neither a network of this event nor "overlay"', "zones"),
}
# A section that may not be empty has been reported when it is; what refers to it is not to blame.
SECTION = {"network": "networks", "zone": "networks", "source zone": "networks", "uplink": "uplinks", "host": "hosts"}


def check(document: Document) -> None:
    """Every reference, and the keys of `access`, which are references too."""
    root = document.root
    networks = _names(root, "networks")
    known = {
        "network": networks,
        "uplink": _names(root, "uplinks"),
        "host": _names(root, "hosts"),
        "cache": _names(root, "caches"),
        "zone": [*networks, OVERLAY, INTERNET],
        "source zone": [*networks, OVERLAY],
    }
    sets = {what: frozenset(names) for what, names in known.items()}
    access = root.get("access")
    sources = [("source zone", source, cell) for source, cell in (access.items() if access else ())]
    for what, name, cell in [*((what, cell.text, cell) for what, cell in document.references), *sources]:
        if name not in sets[what]:
            problem, plural = MEANT[what]
            if what not in SECTION or _names(root, SECTION[what]):
                document.mistakes.add(cell.line, cell.path, name, problem, nearest(name, known[what], plural))
            if what != "source zone":
                cell.value = None


def _names(root: Cell, section: str) -> list[str]:
    cell = root.get(section)
    return [name for name, _unused in cell.items()] if cell else []
