"""Plans a rehearsal: its containers, bridges and cables. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from .event import Event, Port
from .outside import Outside, Segment, plan_outside

FABRIC = "fabric"
LONGEST_DEVICE_NAME = 15


@dataclass(frozen=True)
class Container:
    """A machine of the rehearsal; `kind` is host, client or outside."""

    name: str
    kind: str
    network: str | None = None


@dataclass(frozen=True)
class Cable:
    """A veth pair between a port of a container and a bridge."""

    container: str
    port: str
    bridge: str
    mac: str


@dataclass(frozen=True)
class Plan:
    """All that stands while a rehearsal stands."""

    event: str
    containers: tuple[Container, ...]
    bridges: tuple[str, ...]
    cables: tuple[Cable, ...]
    outside: Outside | None = None

    @property
    def digest(self) -> str:
        """A text that differs between plans that differ in anything."""
        return hashlib.sha256(repr(self).encode()).hexdigest()

    def of_kind(self, *kinds: str) -> list[Container]:
        """Return the containers of some kinds."""
        return [container for container in self.containers if container.kind in kinds]


def plan_event(event: Event) -> Plan:
    """Plan the rehearsal of an event."""
    outside = plan_outside(event)
    hosts = [Container(name, "host") for name in event.ports]
    clients = plan_clients(event)
    internet = Container(free_name("internet", event), "outside")
    lans = {network: device_name("lan-", network) for network in event.networks}
    wires = {segment.name: device_name("up-", segment.name) for segment in outside.segments}
    cables = [
        Cable(
            host,
            port.name,
            wires[_segment(port, outside).name] if port.uplink else lans[port.network or ""],
            mac(event, host, port),
        )
        for host, ports in event.ports.items()
        for port in ports
    ]
    cables += [
        Cable(client.name, "eth0", lans[client.network or ""], mac(event, client.name, Port("eth0")))
        for client in clients
    ]
    cables += [
        Cable(internet.name, leg(index), wires[segment.name], mac(event, internet.name, Port(leg(index))))
        for index, segment in enumerate(outside.segments)
    ]
    bridges = (*lans.values(), *wires.values())
    return Plan(event.name, (*hosts, *clients, internet), bridges, tuple(cables), outside)


def plan_lab(name: str, hosts: Mapping[str, Mapping[str, str]]) -> Plan:
    """Plan a few containers without an event; `hosts` has the network of each port of each container."""
    bridges = {network: device_name("lan-", network) for ports in hosts.values() for network in ports.values()}
    cables = [
        Cable(host, port, bridges[network], derived_mac(name, host, port))
        for host, ports in hosts.items()
        for port, network in ports.items()
    ]
    containers = tuple(Container(host, "host") for host in hosts)
    return Plan(name, containers, tuple(bridges.values()), tuple(cables))


def plan_clients(event: Event) -> list[Container]:
    """Return the unmanaged clients, one on each network that has a pool.

    `laptop` is on the last of them, `crew` on the first, `laptop-NETWORK` on each between.
    """
    names = {network: f"laptop-{network}" for network in event.pooled_networks}
    names |= dict.fromkeys(event.pooled_networks[:1], "crew")
    names |= dict.fromkeys(event.pooled_networks[-1:], "laptop")
    return [Container(free_name(name, event), "client", network) for network, name in reversed(names.items())]


def free_name(name: str, event: Event) -> str:
    """Return a name for a stand-in that no host of the event has."""
    while name in event.ports:
        name = f"rehearsal-{name}"
    return name


def leg(index: int) -> str:
    """Return the name of the stand-in internet's interface on a segment."""
    return f"leg{index}"


def mac(event: Event, host: str, port: Port) -> str:
    """Return the hardware address of a port: the event's, else one that is the same in every rehearsal."""
    return port.mac or derived_mac(event.name, host, port.name)


def derived_mac(*parts: str) -> str:
    """Return a locally administered hardware address that follows from some names."""
    digest = hashlib.sha256("/".join(parts).encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x02, *digest[:5]))


def device_name(prefix: str, name: str) -> str:
    """Return a device name for a network: readable if it fits into the kernel's 15 characters."""
    if len(prefix + name) <= LONGEST_DEVICE_NAME:
        return prefix + name
    return prefix + hashlib.sha256(name.encode()).hexdigest()[: LONGEST_DEVICE_NAME - len(prefix)]


def _segment(port: Port, outside: Outside) -> Segment:
    mine = [segment for segment in outside.segments if segment.uplink == port.uplink]
    return next(segment for segment in mine if (port.address in segment.leases.values()) == bool(port.address))
