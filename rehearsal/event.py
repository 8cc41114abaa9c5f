"""What the rehearsal needs to know of an event file: what is plugged in where, and what it expects of the outside.

The event's compiler has checked the file before (`ansible-inventory` fails otherwise), so nothing is checked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

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
    published: tuple[str, ...]


def find_event_file(source: Path) -> Path:
    """Return the event file of an inventory folder, or `source` itself if it is a file."""
    candidates = [source] if source.is_file() else [source / "event.yml", source / "event.yaml"]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise RehearsalError(
        f"{source}: no event file here; give a folder with an event.yml in it, for example inventories/dc33"
    )


def load_event(file: Path) -> Event:
    """Read an event file. Raises RehearsalError naming the command that explains what is wrong with a wrong one."""
    try:
        return _read(yaml.safe_load(file.read_text()))
    except (AttributeError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise RehearsalError(
            f"{file} is no right event file. To see all that is wrong with it: "
            f".cache/venv/bin/ansible-inventory -i {file} --graph"
        ) from error


def _read(data: dict[str, Any]) -> Event:
    networks: dict[str, dict[str, Any]] = data["networks"]
    spaces = networks | {key: data[key] for key in ("mesh", "overlay") if data.get(key)}
    caches: dict[str, dict[str, Any]] = data.get("caches") or {}
    return Event(
        name=data["name"],
        title=data.get("title", data["name"]),
        ports={host: _ports(entry.get("interfaces") or {}) for host, entry in data["hosts"].items()},
        classes={host: _classes(entry["class"]) for host, entry in data["hosts"].items()},
        spaces={name: space["cidr"] for name, space in spaces.items()},
        networks=tuple(networks),
        pooled_networks=tuple(name for name, network in networks.items() if network.get("pool")),
        uplinks=tuple(data.get("uplinks") or {}),
        upstreams=tuple(Upstream(cache["url"], cache["key"]) for cache in caches.values() if "url" in cache),
        resolvers=tuple(data.get("resolvers") or ()),
        time_servers=tuple(data.get("time_servers") or ()),
        published=tuple(data.get("publish") or ()),
    )


def _classes(given: str | list[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _ports(interfaces: Mapping[str, dict[str, Any]]) -> tuple[Port, ...]:
    known = ("network", "uplink", "address", "mac")
    return tuple(
        Port(name, **{key: port.get(key) for key in known})
        for name, port in interfaces.items()
        if port.get("network") or port.get("uplink")
    )
