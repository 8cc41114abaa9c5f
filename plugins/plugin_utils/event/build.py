# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a document without mistakes to the event it describes, with everything the file leaves to defaults filled in."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from .document import Cell
from .model import Cache, Event, Host, Hydra, Interface, Network, Publication
from .values import Pool

DEFAULT_PORT = 4242
DEFAULT_MTU = 1300
DEFAULT_LEASE_SECONDS = 3600
DEFAULT_BOND_MODE = "active-backup"


def build_event(root: Cell) -> Event:
    """The event of a document whose checks found no mistake."""
    networks = {name: _network(name, cell) for name, cell in _section(root, "networks")}
    overlay, mesh = root.get("overlay") or root, root.get("mesh")
    return Event(
        secrets_dir=root.read("secrets_dir", str),
        name=root.need("name", str),
        title=root.read("title", str) or root.need("name", str),
        domain=root.need("domain", str),
        timezone=root.need("timezone", str),
        resolvers=tuple(str(cell.value) for cell in root.each("resolvers")),
        time_servers=root.texts("time_servers"),
        admins={name: _texts(cell) for name, cell in _section(root, "admins")},
        manage=root.texts("manage"),
        networks=networks,
        mesh=mesh.need("cidr", IPv4Network) if mesh else None,
        overlay=overlay.need("cidr", IPv4Network),
        overlay_port=overlay.read("port", int) or DEFAULT_PORT,
        overlay_mtu=overlay.read("mtu", int) or DEFAULT_MTU,
        uplinks={name: cell.need("metric", int) for name, cell in _section(root, "uplinks")},
        access={name: _texts(cell) for name, cell in _section(root, "access")},
        hosts={name: _host(name, cell, networks) for name, cell in _section(root, "hosts")},
        caches={name: _cache(name, cell) for name, cell in _section(root, "caches")},
        publish={
            name: Publication(name, cell.texts("caches"), cell.texts("to")) for name, cell in _section(root, "publish")
        },
        hydra=_hydra(root.get("hydra")),
    )


def _section(root: Cell, key: str) -> list[tuple[str, Cell]]:
    cell = root.get(key)
    return list(cell.items()) if cell else []


def _texts(cell: Cell) -> tuple[str, ...]:
    return tuple(str(item.value) for item in cell.value) if isinstance(cell.value, list) else ()


def _network(name: str, cell: Cell) -> Network:
    return Network(
        name=name,
        cidr=cell.need("cidr", IPv4Network),
        vlan=cell.read("vlan", int),
        pool=cell.read("pool", Pool),
        exit=cell.read("exit", str),
        lease_seconds=cell.read("lease", int) or DEFAULT_LEASE_SECONDS,
    )


def _host(name: str, cell: Cell, networks: dict[str, Network]) -> Host:
    overlay = cell.get("overlay") or cell
    classes = cell.texts("class")
    interfaces = cell.get("interfaces") or cell
    return Host(
        name=name,
        classes=classes,
        overlay=overlay.need("address", IPv4Address),
        lighthouse=overlay.read("lighthouse", bool) or False,
        relay=overlay.read("relay", bool) or False,
        interfaces=tuple(_interface(key, item, networks, "router" in classes) for key, item in interfaces.items()),
    )


def _interface(name: str, cell: Cell, networks: dict[str, Network], on_router: bool) -> Interface:
    network = networks.get(cell.read("network", str) or "")
    kind = next(
        (kind for kind, key in (("bond", "bond"), ("bridge", "bridge"), ("vlan", "parent")) if cell.get(key)),
        "physical",
    )
    address = cell.read("address", IPv4Address)
    if network and on_router and address is None:
        address = router_address(network.cidr)
    return Interface(
        name=name,
        kind=kind,
        network=network.name if network else None,
        uplink=cell.read("uplink", str),
        address=address,
        mac=cell.read("mac", str),
        members=cell.texts("bond") or cell.texts("bridge"),
        mode=(cell.read("mode", str) or DEFAULT_BOND_MODE) if kind == "bond" else None,
        parent=cell.read("parent", str),
        vlan=(cell.read("vlan", int) or (network.vlan if network else None)) if kind == "vlan" else None,
    )


def router_address(network: IPv4Network) -> IPv4Address:
    """The address a router has in a network unless the file says otherwise: the first."""
    return network.network_address + 1


def _cache(name: str, cell: Cell) -> Cache:
    return Cache(name, cell.read("host", str), cell.read("url", str), cell.need("priority", int), cell.need("key", str))


def _hydra(cell: Cell | None) -> Hydra | None:
    if cell is None:
        return None
    projects, jobsets = ({name: item.plain() for name, item in _section(cell, key)} for key in ("projects", "jobsets"))
    return Hydra(cell.need("url", str), projects, jobsets)
