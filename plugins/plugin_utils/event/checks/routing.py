# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may reach whom, and the ways that takes: `access`, `manage` and the exits agree."""

from __future__ import annotations

from ..document import Cell, Document
from ..schema import INTERNET, OVERLAY
from .addresses import named


def check(document: Document) -> None:
    """Access rules and exits."""
    root, add = document.root, document.mistakes.add
    networks = dict(named(root, "networks"))
    _exits(document, networks)
    for source, cell in named(root, "access"):
        for target in cell.value if isinstance(cell.value, list) else ():
            if target.value == source:
                remedy = "remove it: hosts of one zone reach one another without passing the router"
                add(target.line, target.path, target.text, "is a rule from a zone to itself", remedy)
            elif target.value == INTERNET and source == OVERLAY:
                remedy = "remove it: hosts on site leave by the exit of their network, others by their own uplink"
                add(target.line, target.path, target.text, "is not reached from the overlay", remedy)
            elif target.value == INTERNET and source in networks and _has_no_exit(networks[source]):
                problem = f"cannot be reached: network {source} has no exit"
                add(target.line, target.path, target.text, problem, f'add "exit: EGRESS HOST" to networks.{source}')


def _has_no_exit(network: Cell) -> bool:
    return isinstance(network.value, dict) and network.get("exit") is None and not network.unclear


def _exits(document: Document, networks: dict[str, Cell]) -> None:
    root, add = document.root, document.mistakes.add
    hosts = dict(named(root, "hosts"))
    first: Cell | None = None
    for name, network in networks.items():
        cell = network.get("exit")
        if cell is None or not isinstance(cell.value, str):
            continue
        classes = hosts[cell.value].texts("class")
        if classes and "egress" not in classes:
            egress = [host for host, found in hosts.items() if "egress" in found.texts("class")]
            remedy = f"name one of: {', '.join(egress)}" if egress else "give a host elsewhere the class egress"
            add(cell.line, cell.path, cell.text, f"is not an egress host but {', '.join(classes)}", remedy)
            continue
        first = first or cell
        if cell.value != first.value:
            problem = f"is another exit than {first.text} of line {first.line}"
            remedy = "the tunnel chooses by destination, so all networks leave by one exit"
            add(cell.line, cell.path, cell.text, problem, remedy)
        elif not _may_reach_internet(root, name):
            remedy = f"add internet to access.{name}, or remove the exit"
            add(
                cell.line,
                cell.path,
                cell.text,
                f"is a route no rule permits: {name} may not reach the internet",
                remedy,
            )


def _may_reach_internet(root: Cell, network: str) -> bool:
    """Whether access lists it; also when access is too wrong to tell."""
    access = root.get("access")
    if access is None or not isinstance(access.value, dict):
        return True
    rule = access.get(network)
    if rule is None:
        return False
    return not isinstance(rule.value, list) or any(cell.value in (INTERNET, None) for cell in rule.value)
