# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Address space: networks apart from one another, addresses inside their network, each used once."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

from ..build import router_address
from ..document import Cell, Document
from ..mistakes import Mistakes
from ..values import Pool


def check(document: Document) -> None:
    """Overlaps, pools, fixed addresses, overlay addresses, VLAN ids and MACs."""
    root, mistakes = document.root, document.mistakes
    _overlaps(list(spaces(root)), mistakes)
    routers = _router_addresses(root)
    taken = Once(mistakes)
    for name, (address, _unused) in routers.items():
        taken.claim(address, f"the router's address in {name}")
    for host, interface in interfaces(root):
        _interface_address(host, interface, routers, taken, mistakes)
    _pools(root, routers, mistakes)
    _without_address(root, mistakes)
    _overlay_addresses(root, mistakes)
    _once(document, (cell for _unused, cell in named(root, "networks")), "vlan", int)
    _once(document, (cell for _unused, cell in interfaces(root)), "mac", str)


def named(root: Cell, section: str) -> list[tuple[str, Cell]]:
    """The names and cells of a section of the file."""
    cell = root.get(section)
    return list(cell.items()) if cell else []


def interfaces(root: Cell) -> Iterator[tuple[Cell, Cell]]:
    """Every interface with its host."""
    for _unused, host in named(root, "hosts"):
        cell = host.get("interfaces")
        for _unused, interface in cell.items() if cell else ():
            yield host, interface


class Once:
    """Who uses what; a second use is a mistake."""

    def __init__(self, mistakes: Mistakes) -> None:
        self.mistakes = mistakes
        self.users: dict[object, str] = {}

    def claim(self, value: object, user: str, cell: Cell | None = None) -> None:
        """Note that `user` has it; a mistake of `cell` when another has."""
        first = self.users.setdefault(value, user)
        if first != user and cell is not None:
            self.mistakes.add(cell.line, cell.path, cell.text, f"is used already: {first}", "give each its own")


def _once(document: Document, cells: Iterator[Cell], key: str, kind: type[object]) -> None:
    used = Once(document.mistakes)
    for cell in cells:
        value = cell.get(key)
        if value is not None and isinstance(value.value, kind):
            used.claim(value.value, f"{value.path}, line {value.line}", value)


def spaces(root: Cell) -> Iterator[tuple[str, Cell, IPv4Network]]:
    """The address space of each network, the mesh and the overlay: the key path of what has it, its cell and value."""
    records = [*named(root, "networks"), *((name, root.get(name)) for name in ("mesh", "overlay"))]
    for _unused, record in records:
        cell = record.get("cidr") if record else None
        if record and cell and isinstance(cell.value, IPv4Network):
            yield record.path, cell, cell.value


def _overlaps(spaces: list[tuple[str, Cell, IPv4Network]], mistakes: Mistakes) -> None:
    """Sorted by first address, a network overlaps another only if it begins before the widest so far ends."""
    widest: tuple[str, Cell, IPv4Network] | None = None
    for space in sorted(spaces, key=lambda space: (space[2].network_address, space[2].prefixlen)):
        if widest and space[2].network_address <= widest[2].broadcast_address:
            first, second = sorted((widest, space), key=lambda space: space[1].line)
            mistakes.add(
                second[1].line,
                second[1].path,
                second[1].text,
                f"overlaps {first[0]}, {first[1].text}, of line {first[1].line}",
                "choose networks that share no address",
            )
        if widest is None or space[2].broadcast_address > widest[2].broadcast_address:
            widest = space


def _router_addresses(root: Cell) -> dict[str, tuple[IPv4Address, IPv4Network]]:
    """The router's address in each network whose addresses are known, whether an interface says it or not."""
    cidrs = {name: cidr for name, cell in named(root, "networks") if (cidr := cell.read("cidr", IPv4Network))}
    found = {name: (router_address(cidr), cidr) for name, cidr in cidrs.items()}
    for host, interface in interfaces(root):
        network = interface.read("network", str)
        address = interface.read("address", IPv4Address)
        if "router" in host.texts("class") and network in cidrs and address and address in cidrs[network]:
            found[network] = (address, cidrs[network])
    return found


def _interface_address(
    host: Cell,
    interface: Cell,
    routers: dict[str, tuple[IPv4Address, IPv4Network]],
    taken: Once,
    mistakes: Mistakes,
) -> None:
    cell = interface.get("address")
    network = interface.read("network", str)
    if cell is None or not isinstance(cell.value, IPv4Address) or network not in routers:
        return
    router, cidr = routers[network]
    problem = _misfit(cell.value, cidr, network)
    if problem:
        mistakes.add(cell.line, cell.path, cell.text, *problem)
        return
    if "router" not in host.texts("class") or cell.value != router:
        taken.claim(cell.value, f"{cell.path}, line {cell.line}", cell)


def _misfit(address: IPv4Address, cidr: IPv4Network, network: str) -> tuple[str, str] | None:
    """What is wrong with a host's address in a network, and what would be right."""
    if address not in cidr:
        return f"is outside {network}, {cidr}", f"choose one from {cidr[1]} to {cidr[-2]}"
    if address == cidr.network_address:
        return f"is the address of {network} itself, {cidr}", f"choose one from {cidr[1]} to {cidr[-2]}"
    if address == cidr.broadcast_address:
        return f"is the broadcast address of {network}, {cidr}", f"choose one from {cidr[1]} to {cidr[-2]}"
    return None


def _pools(root: Cell, routers: dict[str, tuple[IPv4Address, IPv4Network]], mistakes: Mistakes) -> None:
    pools: dict[str, tuple[Cell, Pool]] = {}
    for name, cell in named(root, "networks"):
        pool = cell.get("pool")
        if pool is None or not isinstance(pool.value, Pool) or name not in routers:
            continue
        router, cidr = routers[name]
        problem = _misfit(pool.value.first, cidr, name) or _misfit(pool.value.last, cidr, name)
        if problem:
            mistakes.add(pool.line, pool.path, pool.text, f"has an end that {problem[0]}", problem[1])
        elif router in pool.value:
            mistakes.add(
                pool.line, pool.path, pool.text, f"holds the router's address, {router}", "choose a range without it"
            )
        pools[name] = (pool, pool.value)
    for _unused, interface in interfaces(root):
        network, address = interface.read("network", str), interface.get("address")
        if (
            network in pools
            and address
            and isinstance(address.value, IPv4Address)
            and address.value in pools[network][1]
        ):
            cell = pools[network][0]
            if address.value != routers[network][0]:
                mistakes.add(
                    address.line,
                    address.path,
                    address.text,
                    f"is in the DHCP pool of {network}, {cell.text}, of line {cell.line}",
                    "choose an address outside the pool, or shrink the pool",
                )


def _without_address(root: Cell, mistakes: Mistakes) -> None:
    """Hosts that wait for an address of a pool that is not there."""
    networks = dict(named(root, "networks"))
    for host, interface in interfaces(root):
        name, classes = interface.read("network", str), host.texts("class")
        network = networks.get(name or "")
        if network is None or network.unclear or not classes or "router" in classes:
            continue
        if not (network.get("pool") or interface.get("address") or interface.unclear):
            problem = f"has no address, and {name} has no pool to give it one"
            remedy = f'add "address: ADDRESS", or "pool: FIRST-LAST" to networks.{name}'
            mistakes.add(interface.line, interface.path, "", problem, remedy)


def _overlay_addresses(root: Cell, mistakes: Mistakes) -> None:
    overlay = root.get("overlay")
    cidr = overlay.read("cidr", IPv4Network) if overlay else None
    taken = Once(mistakes)
    for _unused, host in named(root, "hosts"):
        record = host.get("overlay")
        cell = record.get("address") if record else None
        if cell is None or not isinstance(cell.value, IPv4Address):
            continue
        problem = _misfit(cell.value, cidr, "the overlay") if cidr else None
        if problem:
            mistakes.add(cell.line, cell.path, cell.text, *problem)
        else:
            taken.claim(cell.value, f"{cell.path}, line {cell.line}", cell)
