"""Plans the outside of an event: the uplinks, the addresses of the internet, and what answers there. Pure."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from .event import Event, Upstream

ADDRESS_PAGE = "address.example"
UPLINK_SPACE = ipaddress.IPv4Network("172.31.0.0/16")
SERVICE_SPACES = tuple(
    map(ipaddress.IPv4Network, ("198.51.100.0/24", "192.0.2.0/24", "198.18.0.0/24", "198.19.0.0/24"))
)


@dataclass(frozen=True)
class Segment:
    """A piece of wire between an uplink's gateway and its hosts: a /24 of its own."""

    name: str
    uplink: str
    cidr: str
    gateway: str
    hidden: bool
    """Behind address translation, as a hotel's network is; else its addresses are public."""
    leases: Mapping[str, str]
    """Fixed addresses: host to address."""


@dataclass(frozen=True)
class Site:
    """A web server outside, by name: a binary cache (`path` is where it starts), or the page that tells addresses."""

    name: str
    address: str
    port: int
    tls: bool
    path: str | None


@dataclass(frozen=True)
class Outside:
    """Everything beyond the event's uplinks."""

    segments: tuple[Segment, ...]
    sites: tuple[Site, ...]
    names: Mapping[str, str]
    """What the public resolver knows: name to address."""
    resolvers: tuple[str, ...]
    upstreams: tuple[Upstream, ...]

    @property
    def addresses(self) -> tuple[str, ...]:
        """All addresses that the stand-in internet answers at, besides its gateways."""
        return tuple(dict.fromkeys([*self.resolvers, *self.names.values()]))

    @property
    def address_page(self) -> str:
        """URL of the page that tells the caller's address."""
        return f"http://{ADDRESS_PAGE}/"


def plan_outside(event: Event) -> Outside:
    """Plan the outside of an event."""
    segments = plan_segments(event)
    literal = [server for server in event.time_servers if is_address(server)]
    resolvers = tuple(dict.fromkeys([*event.resolvers, *literal]))
    taken = [*map(ipaddress.IPv4Network, (*event.spaces.values(), *(segment.cidr for segment in segments), *resolvers))]
    space = next(space for space in SERVICE_SPACES if not overlaps(space, taken))
    free = (str(address) for address in itertools.islice(space.hosts(), 9, None))
    addresses: dict[str, str] = {}
    sites: list[Site] = []
    for upstream in event.upstreams:
        url = urlsplit(upstream.url)
        name, tls = url.hostname or "", url.scheme == "https"
        addresses.setdefault(name, next(free))
        sites.append(Site(name, addresses[name], url.port or (443 if tls else 80), tls, url.path.rstrip("/")))
    addresses[ADDRESS_PAGE] = next(free)
    sites.append(Site(ADDRESS_PAGE, addresses[ADDRESS_PAGE], 80, False, None))
    clock = next(free)
    for server in event.time_servers:
        addresses.setdefault(server, server if is_address(server) else clock)
    names = {name: address for name, address in addresses.items() if not is_address(name)}
    return Outside(segments, tuple(sites), names, resolvers, event.upstreams)


def plan_segments(event: Event) -> tuple[Segment, ...]:
    """Return the wires of each uplink: one for hosts without a fixed address, one for each /24 of the others."""
    fixed: dict[tuple[str, ipaddress.IPv4Network], dict[str, str]] = {}
    for host, ports in event.ports.items():
        for port in ports:
            if port.uplink and port.address:
                subnet = ipaddress.IPv4Network(f"{port.address}/24", strict=False)
                fixed.setdefault((port.uplink, subnet), {})[host] = port.address
    taken = [ipaddress.IPv4Network(cidr) for cidr in event.spaces.values()] + [subnet for _unused, subnet in fixed]
    spare = (subnet for subnet in UPLINK_SPACE.subnets(new_prefix=24) if not overlaps(subnet, taken))
    segments: list[Segment] = []
    for uplink in event.uplinks:
        mine = [port for plugged in event.ports.values() for port in plugged if port.uplink == uplink]
        subnets: list[tuple[ipaddress.IPv4Network, dict[str, str]]] = [
            (subnet, leases) for (owner, subnet), leases in fixed.items() if owner == uplink
        ]
        if any(not port.address for port in mine):
            subnets.insert(0, (next(spare), {}))
        for index, (subnet, leases) in enumerate(subnets):
            name = uplink if index == 0 else f"{uplink}{index + 1}"
            gateway = next(str(address) for address in subnet.hosts() if str(address) not in leases.values())
            segments.append(Segment(name, uplink, str(subnet), gateway, not leases, leases))
    return tuple(segments)


def overlaps(network: ipaddress.IPv4Network, others: Iterable[ipaddress.IPv4Network]) -> bool:
    """Tell whether a network shares an address with one of the others."""
    return any(network.overlaps(other) for other in others)


def is_address(text: str) -> bool:
    """Tell whether text is an IP address, rather than a name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
