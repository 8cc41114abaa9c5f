"""What the rehearsal needs to know of an event file: what is plugged in where, and what it expects of the outside.

The compiler of the collection reads the file, and says all that is wrong with it before anything is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.nixvegas.noc.plugins.plugin_utils.event import Event as CompiledEvent
from ansible_collections.nixvegas.noc.plugins.plugin_utils.event.model import Host
from ansible_collections.nixvegas.noc.plugins.plugin_utils.event_file import event_files, read_event

from .command import RehearsalError


@dataclass(frozen=True)
class Port:
    """An interface of a host that carries a network or an uplink."""

    name: str
    network: str | None = None
    uplink: str | None = None
    address: str | None = None
    mac: str | None = None


@dataclass(frozen=True)
class Upstream:
    """A binary cache outside: its URL and its public key."""

    url: str
    key: str


@dataclass(frozen=True)
class Event:
    """An event, seen from its cables. CIDRs and addresses are text."""

    name: str
    title: str
    ports: Mapping[str, tuple[Port, ...]]
    classes: Mapping[str, tuple[str, ...]]
    spaces: Mapping[str, str]
    """All address spaces: the CIDR of each network, the overlay and the mesh."""
    networks: tuple[str, ...]
    pooled_networks: tuple[str, ...]
    uplinks: tuple[str, ...]
    upstreams: tuple[Upstream, ...]
    resolvers: tuple[str, ...]
    time_servers: tuple[str, ...]


def find_event_file(source: Path) -> Path:
    """Return the event file of an inventory, a folder or the file itself."""
    if "," in str(source):
        raise RehearsalError(f"{source}: Ansible ends a path at its comma; name the folder of the event without one")
    files = event_files(source)
    if not files:
        raise RehearsalError(
            f"{source}: no event file here; give a folder with an event.yml in it, for example inventories/dc33"
        )
    return files[0]


def load_event(file: Path) -> Event:
    """Read an event file. Raises EventError naming all its mistakes."""
    return _cables(read_event(file))


def _cables(event: CompiledEvent) -> Event:
    spaces = {name: str(network.cidr) for name, network in event.networks.items()}
    if event.mesh:
        spaces["mesh"] = str(event.mesh)
    spaces["overlay"] = str(event.overlay)
    return Event(
        name=event.name,
        title=event.title,
        ports={name: _ports(host) for name, host in event.hosts.items()},
        classes={name: host.classes for name, host in event.hosts.items()},
        spaces=spaces,
        networks=tuple(event.networks),
        pooled_networks=tuple(name for name, network in event.networks.items() if network.pool),
        uplinks=tuple(event.uplinks),
        upstreams=tuple(Upstream(cache.url, cache.key) for cache in event.caches.values() if cache.url),
        resolvers=event.resolvers,
        time_servers=event.time_servers,
    )


def _ports(host: Host) -> tuple[Port, ...]:
    return tuple(
        Port(port.name, port.network, port.uplink, str(port.address) if port.address else None, port.mac)
        for port in host.interfaces
        if port.network or port.uplink
    )
