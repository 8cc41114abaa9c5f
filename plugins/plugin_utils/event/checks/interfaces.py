# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Interfaces of a host: each has one purpose, stands on interfaces that are there, and meets a network once."""

from __future__ import annotations

from ..document import Cell, Document
from ..mistakes import Mistakes, nearest
from .addresses import named

KIND_KEYS = ("bond", "bridge", "parent")
UNKNOWN = 0  # for a VLAN id that was reported as wrong


def check(document: Document) -> None:
    """All interfaces of all hosts."""
    networks = named(document.root, "networks")
    vlans = {name: cell.read("vlan", int) or UNKNOWN for name, cell in networks if cell.get("vlan") or cell.unclear}
    for _unused, host in named(document.root, "hosts"):
        cell = host.get("interfaces")
        if cell is not None and isinstance(cell.value, dict):
            _Host(dict(cell.items()), vlans, document.mistakes).check()


class _Host:
    def __init__(self, cells: dict[str, Cell], vlans: dict[str, int], mistakes: Mistakes) -> None:
        self.cells = cells
        self.vlans = vlans
        self.mistakes = mistakes
        self.user: dict[str, str] = {}
        self.reported: set[str] = set()
        self.cyclic: set[str] = set()
        self.ids: dict[tuple[str, int], Cell] = {}  # VLANs by parent and id
        self.dangling = False  # whether a member or parent is not known: then none can be called unused

    def add(self, about: Cell, problem: str, remedy: str) -> None:
        """Note a mistake; whatever else could be said of the interface is left unsaid."""
        self.mistakes.add(about.line, about.path, about.text, problem, remedy)
        self.reported |= {name for name, cell in self.cells.items() if cell is about}

    def check(self) -> None:
        """Members and parents first: whether an interface is used depends on the others."""
        self.cycles()
        for name, cell in self.cells.items():
            self.kind(name, cell)
        for name, cell in self.cells.items():
            self.members(name, cell)
            self.parent(name, cell)
        if not any(cell.get("network") or cell.get("uplink") or cell.value is None for cell in self.cells.values()):
            return  # a host that nothing reaches: checks/hosts.py says so
        seen: dict[tuple[str, str], str] = {}
        for name, cell in self.cells.items():
            self.purpose(name, cell)
            self.once(name, cell, seen)

    def kind(self, name: str, cell: Cell) -> None:
        kinds = [key for key in KIND_KEYS if cell.get(key)]
        if len(kinds) > 1:
            what = "a VLAN" if kinds[1] == "parent" else f"a {kinds[1]}"
            self.add(cell, f"is a {kinds[0]} and {what} at once", f"keep one of {' and '.join(kinds)}")
        if cell.get("mode") and not cell.get("bond"):
            self.misplaced(cell, "mode", "belongs to a bond", 'add "bond: [MEMBER, MEMBER]", or remove it')
        if cell.get("vlan") and not cell.get("parent"):
            self.misplaced(cell, "vlan", "belongs to a VLAN interface", 'add "parent: INTERFACE", or remove it')
        if cell.get("address") and not cell.get("network") and not cell.get("uplink"):
            self.misplaced(cell, "address", "is on an interface without a network", 'add "network: NETWORK"')

    def misplaced(self, cell: Cell, key: str, problem: str, remedy: str) -> None:
        wrong = cell.get(key) or cell
        self.add(wrong, problem, remedy)

    def members(self, name: str, cell: Cell) -> None:
        for kind in ("bond", "bridge"):
            for member in cell.each(kind):
                if not self.exists(member, f"a member of the {kind}") or {name, member.text} <= self.cyclic:
                    continue
                other = self.cells[member.text]
                first = self.user.get(member.text)
                if first:
                    remedy = "an interface has one master"
                    self.add(member, f"is a member of {first} already", remedy)
                elif any(other.get(key) for key in ("network", "uplink")):
                    used = "network" if other.get("network") else "uplink"
                    problem = f"is used already, for the {used} of line {other.line}"
                    self.add(member, problem, f"give the {used} to {name} instead")
                self.user.setdefault(member.text, name)

    def parent(self, name: str, cell: Cell) -> None:
        parent = cell.get("parent")
        if parent is None or not self.exists(parent, "the parent of the VLAN"):
            return
        self.user.setdefault(f"{parent.text} (parent)", name)
        network, vlan = cell.get("network"), cell.read("vlan", int)
        known = self.vlans.get(network.text) if network and network.value else UNKNOWN
        if vlan and known and vlan != known:
            problem = f"is not the VLAN id of network {network.text if network else ''}, {known}"
            self.add(cell.get("vlan") or cell, problem, "leave it out, the network says it")
        elif cell.get("vlan") is None and known is None and network:
            remedy = f'add "vlan: ID" to networks.{network.text} or here'
            self.add(cell, f"is a VLAN without id, and network {network.text} has none", remedy)
        elif cell.get("vlan") is None and network is None and not cell.unclear:
            self.add(cell, "is a VLAN without id", 'add "network: NETWORK" or "vlan: ID"')
        if vlan or known:
            first = self.ids.setdefault((parent.text, vlan or known or UNKNOWN), cell)
            if first is not cell:
                problem = f"is VLAN {vlan or known} of {parent.text}, as {first.path} of line {first.line} is"
                self.add(cell, problem, "give each VLAN interface of one parent its own id")

    def exists(self, reference: Cell, purpose: str) -> bool:
        if isinstance(reference.value, str) and reference.text in self.cells:
            return True
        self.dangling = True
        if reference.value is None:
            return False
        remedy = nearest(reference.text, self.cells, "interfaces of the host")
        self.add(reference, f"is not an interface of this host, yet {purpose}", remedy)
        return False

    def below(self, name: str) -> list[str]:
        cell = self.cells[name]
        found = [*cell.texts("bond"), *cell.texts("bridge")]
        parent = cell.read("parent", str)
        return [other for other in (*found, *([parent] if parent else [])) if other in self.cells]

    def cycles(self) -> None:
        """Depth first; every cycle is reported once, at the interface of it that stands first."""
        done: set[str] = set()
        for start in self.cells:
            trail: list[str] = []
            self.walk(start, trail, done)

    def walk(self, name: str, trail: list[str], done: set[str]) -> None:
        if name in trail:
            cycle = trail[trail.index(name) :]
            cell = self.cells[name]
            self.reported |= set(cycle)
            self.cyclic |= set(cycle)
            shown = " on ".join([*cycle, name])
            self.add(cell, f"stands on itself: {shown}", "let the chain end at a physical interface")
            return
        if name in done:
            return
        trail.append(name)
        for other in self.below(name):
            self.walk(other, trail, done)
        trail.pop()
        done.add(name)

    def purpose(self, name: str, cell: Cell) -> None:
        if not isinstance(cell.value, dict):
            return
        if cell.get("network") and cell.get("uplink"):
            self.add(cell, "has both a network and an uplink", "keep one of the two")
        used = name in self.user or f"{name} (parent)" in self.user or name in self.reported
        if self.dangling or cell.unclear or cell.get("address"):
            return
        if not used and not cell.get("network") and not cell.get("uplink"):
            remedy = 'add "network: NETWORK" or "uplink: UPLINK", make it a member of a bond, or remove it'
            self.add(cell, "is used for nothing", remedy)

    def once(self, name: str, cell: Cell, seen: dict[tuple[str, str], str]) -> None:
        for key in ("network", "uplink"):
            target = cell.read(key, str)
            if target is None:
                continue
            first = seen.setdefault((key, target), name)
            if first != name:
                wrong = cell.get(key) or cell
                remedy = "a host meets it once; join the two interfaces in a bond or bridge"
                self.add(wrong, f"is on {first} of this host already", remedy)
