# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An event, as the compile modules see it: checked, complete, immutable, with the questions everybody asks about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network

from .schema import OVERLAY
from .values import Pool


@dataclass(frozen=True, slots=True)
class Network:
    """A LAN of the site. `exit`: the egress host its internet traffic leaves by; `lease_seconds`: of its DHCP
    leases."""

    name: str
    cidr: IPv4Network
    vlan: int | None
    pool: Pool | None
    exit: str | None
    lease_seconds: int


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface of a host. `kind`: physical, bond, bridge or vlan; `address`: its fixed address, if it has
    one; on an egress host's uplink that is its public address."""

    name: str
    kind: str
    network: str | None
    uplink: str | None
    address: IPv4Address | None
    mac: str | None
    members: tuple[str, ...]
    mode: str | None
    parent: str | None
    vlan: int | None


@dataclass(frozen=True, slots=True)
class Host:
    """A managed machine. `overlay`: its overlay address."""

    name: str
    classes: tuple[str, ...]
    overlay: IPv4Address
    lighthouse: bool
    relay: bool
    interfaces: tuple[Interface, ...]

    def is_a(self, host_class: str) -> bool:
        """Whether the host is of this class."""
        return host_class in self.classes

    @property
    def lan_interfaces(self) -> list[Interface]:
        """Its interfaces on networks of the site, in the order of the file: the first is the one it prefers."""
        return [interface for interface in self.interfaces if interface.network]

    @property
    def uplink_interfaces(self) -> list[Interface]:
        """Its interfaces towards the outside."""
        return [interface for interface in self.interfaces if interface.uplink]

    @property
    def on_site(self) -> bool:
        """Whether it stands on a network of the site; others are reached over the internet and the overlay."""
        return any(interface.network for interface in self.interfaces)

    @property
    def public_address(self) -> IPv4Address | None:
        """Its fixed address on the internet, if it has one."""
        return next((i.address for i in self.interfaces if i.uplink and i.address), None)

    def address_in(self, network: str) -> IPv4Address | None:
        """Its fixed address in a network, if it has one."""
        return next((i.address for i in self.interfaces if i.network == network), None)


@dataclass(frozen=True, slots=True)
class Cache:
    """A binary cache: our own on `host`, with `key` the name of its signing key; or one elsewhere at `url`, with `key`
    its public key NAME:BASE64. Nix asks the lowest `priority` number first."""

    name: str
    host: str | None
    url: str | None
    priority: int
    key: str


@dataclass(frozen=True, slots=True)
class Publication:
    """A name the router serves over HTTPS to the networks `to`, from the caches of these names."""

    name: str
    caches: tuple[str, ...]
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hydra:
    """A Hydra at `url`. Its projects by name and jobsets by PROJECT:JOBSET have the fields of the hydra_* modules that
    the file names."""

    url: str
    projects: dict[str, dict[str, object]]
    jobsets: dict[str, dict[str, object]]

    def jobsets_of(self, project: str) -> list[dict[str, object]]:
        """The jobsets of a project, each with its name."""
        places = ((place.split(":"), fields) for place, fields in self.jobsets.items())
        return [{"name": name, **fields} for (owner, name), fields in places if owner == project]


@dataclass(frozen=True)
class Event:
    """The whole event. All mappings are by name and in the order of the file. `secrets_dir`: as the file says, if it
    does."""

    secrets_dir: str | None
    name: str
    title: str
    domain: str
    timezone: str
    resolvers: tuple[str, ...]
    time_servers: tuple[str, ...]
    admins: dict[str, tuple[str, ...]]
    manage: tuple[str, ...]
    networks: dict[str, Network]
    mesh: IPv4Network | None
    overlay: IPv4Network
    overlay_port: int
    overlay_mtu: int
    uplinks: dict[str, int]
    access: dict[str, tuple[str, ...]]
    hosts: dict[str, Host]
    caches: dict[str, Cache]
    publish: dict[str, Publication]
    hydra: Hydra | None = None

    @cached_property
    def router(self) -> Host:
        """The one router."""
        return next(host for host in self.hosts.values() if host.is_a("router"))

    @cached_property
    def router_addresses(self) -> dict[str, IPv4Address]:
        """The router's address in each network."""
        found = {name: self.router.address_in(name) for name in self.networks}
        return {name: address for name, address in found.items() if address}

    @cached_property
    def router_interfaces(self) -> dict[str, Interface]:
        """The router's interface on each network."""
        return {i.network: i for i in self.router.interfaces if i.network}

    @cached_property
    def exit(self) -> Host | None:
        """The egress host all internet traffic of the networks leaves by, if any does."""
        return next((self.hosts[network.exit] for network in self.networks.values() if network.exit), None)

    @cached_property
    def public_lighthouses(self) -> list[Host]:
        """The lighthouses that can be found from anywhere."""
        return [host for host in self.hosts.values() if host.lighthouse and host.public_address]

    @cached_property
    def exiting(self) -> list[Network]:
        """The networks with an exit to the internet."""
        return [network for network in self.networks.values() if network.exit]

    @cached_property
    def inside(self) -> list[IPv4Network]:
        """All address space of the event's own: networks, overlay, mesh. Never part of "the internet"."""
        own = [network.cidr for network in self.networks.values()] + [self.overlay]
        return [*own, self.mesh] if self.mesh else own

    @cached_property
    def stations(self) -> dict[str, list[tuple[Host, Interface]]]:
        """The hosts on each network with the interface they have there, the router among them."""
        found: dict[str, list[tuple[Host, Interface]]] = {name: [] for name in self.networks}
        for host in self.hosts.values():
            for interface in host.lan_interfaces:
                found[interface.network or ""].append((host, interface))
        return found

    @cached_property
    def own_caches(self) -> list[Cache]:
        """The event's own caches, best first."""
        return sorted(
            (cache for cache in self.caches.values() if cache.host), key=lambda cache: (cache.priority, cache.name)
        )

    @cached_property
    def upstream_caches(self) -> list[Cache]:
        """The caches elsewhere, best first."""
        return sorted(
            (cache for cache in self.caches.values() if cache.url), key=lambda cache: (cache.priority, cache.name)
        )

    @cached_property
    def cache_of_host(self) -> dict[str, Cache]:
        """The cache each cache host serves, by host name."""
        return {cache.host: cache for cache in self.own_caches if cache.host}

    def network_domain(self, network: str) -> str:
        """The domain the hosts of a network (or "overlay") have their names in."""
        return f"{network}.{self.domain}"

    def cidr_of(self, zone: str) -> IPv4Network:
        """The addresses of a network, or of "overlay"."""
        return self.overlay if zone == OVERLAY else self.networks[zone].cidr

    @cached_property
    def reaching_overlay(self) -> list[Network]:
        """The networks that may open connections to the overlay."""
        return [network for network in self.networks.values() if self.allows(network.name, OVERLAY)]

    def allows(self, source: str, target: str) -> bool:
        """Whether zone `source` may open connections to zone `target`."""
        return source == target or target in self.access.get(source, ())
