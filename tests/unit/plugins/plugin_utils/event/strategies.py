"""Events that are right by construction, and every way the file has of saying things."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import yaml
from hypothesis import strategies as st

SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBFjhLH80pY1QJR1btcXhRE6SzKHxHHIAcxz91xolgIk"
NIX_KEY = "6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="
CLASSES = ("cache", "builder", "mesh")
PUBLISHED = ("cache.camp.example.org", "cache.example.net", "example.net")

Mapping = dict[str, Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]


@st.composite
def events(draw: Draw) -> str:
    """The text of an event file without mistakes."""
    exits = draw(st.integers(0, 2))
    networks = {f"lan{i}": draw(lan(i, exit_host="exit0" if exits else None)) for i in range(draw(st.integers(1, 4)))}
    hosts = {
        "gate": draw(router(networks)),
        **{f"exit{i}": egress(i) for i in range(exits)},
        **{f"host{i}": draw(host(i, networks, findable=exits > 0)) for i in range(draw(st.integers(0, 4)))},
    }
    caches = {f"own-{name}": own_cache(name, i) for i, name in enumerate(servers(hosts))}
    if draw(st.booleans()):
        caches["far"] = {"url": "https://cache.example.com", "priority": 40, "key": f"cache.example.com-1:{NIX_KEY}"}
    event: Mapping = {
        "plugin": "nixvegas.noc.event",
        "name": "camp",
        "domain": "camp.example.org",
        "timezone": "Etc/UTC",
        "resolvers": ["9.9.9.9", "149.112.112.112"][: draw(st.integers(1, 2))],
        "time_servers": [draw(st.sampled_from(["time.example.com", "192.0.2.123"]))],
        "admins": {"alice": SSH_KEY},
        "manage": draw(some(["overlay", *networks])),
        "networks": networks,
        "overlay": {"cidr": "10.200.0.0/16"} | draw(st.sampled_from([{}, {"port": 5000}, {"mtu": 1200}])),
        "uplinks": {"venue": {"metric": 100}, "modem": {"metric": 200}},
        "access": draw(access(networks)),
        "hosts": hosts,
    }
    if draw(st.booleans()):
        event["mesh"] = {"cidr": "10.201.0.0/16"}
    if caches:
        event["caches"] = caches
    names = [name for name in caches if name != "far"]
    if names:
        event["publish"] = {
            name: {"caches": draw(some(names)), "to": draw(some(list(networks)))}
            for name in draw(some(PUBLISHED, least=0))
        }
    return yaml.safe_dump(event, sort_keys=False)


def some(choices: tuple[str, ...] | list[str], least: int = 1) -> st.SearchStrategy[list[str]]:
    """Some of the choices, each once, in any order."""
    return st.lists(st.sampled_from(list(choices)), min_size=least, unique=True)


@st.composite
def lan(draw: Draw, index: int, exit_host: str | None) -> Mapping:
    """A network in a /16 of its own. Its pool is in the upper half, so that fixed addresses are in the lower."""
    length = draw(st.integers(17, 27))
    cidr = draw(st.sampled_from(list(IPv4Network(f"10.{index}.0.0/16").subnets(new_prefix=length))[:9]))
    found: Mapping = {"cidr": str(cidr)}
    if draw(st.booleans()):
        found["vlan"] = index + 1
    if draw(st.booleans()):
        half = cidr.num_addresses // 2
        first = draw(st.integers(half, cidr.num_addresses - 2))
        last = draw(st.integers(first, cidr.num_addresses - 2))
        found["pool"] = f"{cidr[first]}-{cidr[last]}"
    if exit_host and draw(st.booleans()):
        found["exit"] = exit_host
    if draw(st.booleans()):
        found["lease"] = 600
    return found


@st.composite
def router(draw: Draw, networks: Mapping) -> Mapping:
    """A router on all networks, each on a card, a bond, a bridge, or a VLAN of one trunk."""
    interfaces: Mapping = {"up0": {"uplink": "venue"}, "trunk": {}}
    if draw(st.booleans()):
        interfaces["up1"] = {"uplink": "modem"}
    on_trunk = False
    for name, network in networks.items():
        purpose: Mapping = {"network": name}
        if draw(st.booleans()):
            purpose["address"] = str(IPv4Network(network["cidr"])[draw(st.integers(1, 3))])
        kinds = ["card", "bond", "bridge", *(["vlan"] if "vlan" in network else [])]
        match draw(st.sampled_from(kinds)):
            case "card":
                interfaces[f"card-{name}"] = purpose
            case "vlan":
                interfaces[f"trunk.{network['vlan']}"] = {"parent": "trunk", **purpose}
                on_trunk = True
            case kind:
                ports = [f"a-{name}", f"b-{name}"]
                interfaces |= {port: {} for port in ports}
                interfaces[f"{kind}-{name}"] = {kind: ports, **purpose}
    if not on_trunk:
        del interfaces["trunk"]
    overlay = {"address": "10.200.0.1", "lighthouse": True, "relay": draw(st.booleans())}
    return {"class": "router", "overlay": overlay, "interfaces": interfaces}


def egress(index: int) -> Mapping:
    """A way out to the internet."""
    interface = {"uplink": "venue", "address": f"203.0.113.{index + 1}"}
    overlay = {"address": f"10.200.1.{index + 1}", "lighthouse": True}
    return {"class": "egress", "overlay": overlay, "interfaces": {"ens3": interface}}


@st.composite
def host(draw: Draw, index: int, networks: Mapping, findable: bool) -> Mapping:
    """A host on networks, or elsewhere if a lighthouse is `findable` from there. A cache has a fixed address on its
    first network."""
    classes = draw(some(CLASSES))
    elsewhere = findable and "cache" not in classes and draw(st.booleans())
    found: Mapping = {"class": classes, "overlay": {"address": f"10.200.2.{index + 1}"}}
    if elsewhere:
        found["interfaces"] = {"eth0": {"uplink": "venue"}}
        return found
    places = draw(some(list(networks)))
    found["interfaces"] = {}
    for position, name in enumerate(places):
        fixed = ("cache" in classes and position == 0) or "pool" not in networks[name] or draw(st.booleans())
        interface: Mapping = {"network": name}
        if fixed:
            interface["address"] = str(low_address(networks[name], index))
        if draw(st.booleans()):
            interface["mac"] = f"02:00:00:00:{index:02x}:{position:02x}"
        found["interfaces"][f"eth{position}"] = interface
    return found


def low_address(network: Mapping, index: int) -> IPv4Address:
    """A host's address: above the router's, below the pool."""
    return IPv4Network(network["cidr"])[4 + index]


def servers(hosts: Mapping) -> list[str]:
    """The hosts of class cache."""
    return [name for name, found in hosts.items() if "cache" in found["class"]]


def own_cache(name: str, index: int) -> Mapping:
    """The cache on a host."""
    return {"host": name, "priority": 10 + index, "key": f"{name}-1"}


@st.composite
def access(draw: Draw, networks: Mapping) -> dict[str, list[str]]:
    """Who reaches whom: the internet exactly where there is an exit."""
    found = {}
    for name in ["overlay", *networks]:
        others = [other for other in ["overlay", *networks] if other != name]
        targets = draw(some(others, least=0)) + (["internet"] if networks.get(name, {}).get("exit") else [])
        if targets:
            found[name] = targets
    return found
