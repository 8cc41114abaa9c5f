# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts and their classes: one router that every network and the overlay hang on, egress hosts that can be found."""

from __future__ import annotations

from ..document import Cell, Document
from ..mistakes import Mistakes
from .addresses import named


def check(document: Document) -> None:
    """Classes, uplinks and the overlay's lighthouses."""
    root, mistakes = document.root, document.mistakes
    hosts = [(name, cell) for name, cell in named(root, "hosts") if isinstance(cell.value, dict)]
    if root.get("hosts") is None:
        return
    routers = [(name, host) for name, host in hosts if "router" in host.texts("class")]
    _router(root, routers, mistakes)
    single = [(name, host) for name, host in hosts if (name, host) not in routers[1:]]
    for name, host in single:
        _places(name, host, mistakes)
    _lighthouses(root, single, mistakes)
    uplinks = {name: cell.read("metric", int) for name, cell in named(root, "uplinks")}
    for _unused, host in hosts:
        _metrics(host, uplinks, mistakes)


def meets(host: Cell, key: str) -> list[Cell]:
    """The host's interfaces that have a network, or an uplink, right or wrong."""
    cell = host.get("interfaces")
    return [interface for _unused, interface in cell.items() if interface.get(key)] if cell else []


def public_address(host: Cell) -> bool:
    """Whether an uplink of the host has an address, right or wrong."""
    return any(interface.get("address") or interface.unclear for interface in meets(host, "uplink"))


def _places(name: str, host: Cell, mistakes: Mistakes) -> None:
    classes = host.texts("class")
    interfaces = host.get("interfaces")
    if not classes or interfaces is None or not isinstance(interfaces.value, dict):
        return
    lans, uplinks = meets(host, "network"), meets(host, "uplink")

    def add(cell: Cell, problem: str, remedy: str) -> None:
        mistakes.add(cell.line, cell.path, "", problem, remedy)

    if "router" in classes and "egress" in classes:
        add(host.get("class") or host, "is router and egress at once", "an egress host stands elsewhere; use two hosts")
    elif "router" in classes:
        if not lans:
            add(interfaces, f"router {name} is on no network", 'give an interface "network: NETWORK"')
        if not uplinks:
            add(interfaces, f"router {name} has no uplink", 'give an interface "uplink: UPLINK"')
    elif "egress" in classes:
        if lans:
            add(
                lans[0], f"egress host {name} is on a network of the site", "an egress host stands elsewhere; remove it"
            )
        if len(uplinks) != 1:
            add(
                interfaces,
                f"egress host {name} has {len(uplinks)} uplinks",
                "give it exactly one interface with an uplink",
            )
        elif not public_address(host):
            remedy = 'add "address: ADDRESS", the one the internet knows it by'
            add(uplinks[0], f"egress host {name} has no public address", remedy)
    elif lans and uplinks:
        problem = f"{name} is on a network and on an uplink, past the router"
        add(uplinks[0], problem, "remove the uplink, or make the host the router")
    elif not lans and not uplinks:
        add(interfaces, f"{name} can be reached by nothing", 'give an interface "network: NETWORK" or "uplink: UPLINK"')


def _router(root: Cell, routers: list[tuple[str, Cell]], mistakes: Mistakes) -> None:
    hosts = root.get("hosts") or root
    broken = any(cell.get("class") is None or not cell.texts("class") for _unused, cell in hosts.items())
    if not routers:
        if not broken and isinstance(hosts.value, dict):
            mistakes.add(hosts.line, hosts.path, "", "has no router", "give one host the class router")
        return
    first, router = routers[0]
    for _unused, cell in routers[1:]:
        wrong = cell.get("class") or cell
        problem = f"is a second router, after {first} of line {router.line}"
        remedy = "an event has one, and all its networks leave by it; give this host another class"
        mistakes.add(wrong.line, wrong.path, "", problem, remedy)
    interfaces = router.get("interfaces")
    if interfaces is None or any(cell.unclear for _unused, cell in interfaces.items()):
        return
    reached = {interface.read("network", str) for interface in meets(router, "network")}
    if (
        None in reached
        or not isinstance((router.get("interfaces") or root).value, dict)
        or not meets(router, "network")
    ):
        return
    for name, network in named(root, "networks"):
        if name not in reached:
            problem = f"the router, {first}, has no interface on this network"
            mistakes.add(
                network.line, network.path, "", problem, f'add one to {router.path}.interfaces with "network: {name}"'
            )


def _lighthouses(root: Cell, hosts: list[tuple[str, Cell]], mistakes: Mistakes) -> None:
    """Hosts on site find one another by the router; the router and hosts elsewhere find one another by a public
    address."""
    hosts_cell = root.get("hosts") or root
    is_lighthouse = {name: _says(host, "lighthouse") for name, host in hosts}
    if not any(is_lighthouse.values()):
        if hosts:
            remedy = 'add "lighthouse: true" to overlay of the router and of the egress host'
            mistakes.add(hosts_cell.line, hosts_cell.path, "", "has no lighthouse", remedy)
        return
    findable = any(
        public_address(host) and (is_lighthouse[name] or _should_be_lighthouse(host)) for name, host in hosts
    )
    for name, host in hosts:
        classes = host.texts("class")
        overlay = host.get("overlay")
        if not findable and classes and not {"router", "egress"} & set(classes) and _elsewhere(host):
            problem = f"{name} stands elsewhere and cannot find the overlay: no lighthouse has a public address"
            remedy = "add the router's public address to its uplink, or an egress host"
            mistakes.add(host.line, host.path, "", problem, remedy)
        if overlay is None or not isinstance(overlay.value, dict) or overlay.unclear:
            continue
        if ("router" in classes or "egress" in classes) and not is_lighthouse[name]:
            what = "router" if "router" in classes else "egress host"
            problem = f"the {what}, {name}, is not a lighthouse, so other hosts cannot find it"
            mistakes.add(overlay.line, overlay.path, "", problem, 'add "lighthouse: true"')
        for key in ("lighthouse", "relay"):
            cell = overlay.get(key)
            if (
                cell
                and _says(host, key)
                and classes
                and not {"router", "egress"} & set(classes)
                and not public_address(host)
            ):
                problem = f"{name} cannot be a {key}: hosts elsewhere cannot reach it first"
                mistakes.add(
                    cell.line, cell.path, "", problem, "leave that to the router and hosts with a public address"
                )


def _should_be_lighthouse(host: Cell) -> bool:
    """Whether it is reported where it is none, or its class is not known."""
    classes = host.texts("class")
    return not classes or "router" in classes or "egress" in classes


def _elsewhere(host: Cell) -> bool:
    return bool(meets(host, "uplink")) and not meets(host, "network")


def _says(host: Cell, key: str) -> bool:
    overlay = host.get("overlay")
    cell = overlay.get(key) if overlay else None
    return cell is not None and cell.value is not False


def _metrics(host: Cell, uplinks: dict[str, int | None], mistakes: Mistakes) -> None:
    seen: dict[int, str] = {}
    for interface in meets(host, "uplink"):
        uplink = interface.read("uplink", str)
        metric = uplinks.get(uplink or "")
        if uplink is None or metric is None:
            continue
        first = seen.setdefault(metric, uplink)
        if first != uplink:
            cell = interface.get("uplink") or interface
            problem = f"has the same metric as {first}, {metric}: neither wins"
            mistakes.add(cell.line, cell.path, uplink, problem, "change one of them under uplinks")
