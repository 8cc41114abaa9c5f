"""Makes the overlay of an event's inventory, which makes the variables of its hosts fit the containers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .event import Event
from .inventory import Inventory
from .outside import Outside
from .plan import Plan
from .replace import Replacement, replace, replace_inventory, replace_texts
from .ssh import BECOME
from .world import PROGRAM, PROGRAM_OUTPUT

Variables = Mapping[str, Any]


@dataclass(frozen=True)
class Overlay:
    """Groups, variables by host, what they replace, and the URLs that each client can open."""

    groups: Mapping[str, list[str]]
    variables: Mapping[str, Variables]
    report: list[Replacement]
    pages: Mapping[str, list[str]]


def make_overlay(
    event: Event, plan: Plan, inventory: Inventory, upstream: Variables, logins: Mapping[str, Variables]
) -> Overlay:
    """Return the overlay.

    `upstream` are the facts of the upstream cache outside; `logins` are the variables by which Ansible logs in to each
    container. Both are stronger than the event's inventory.
    """
    assert plan.outside
    keys = stand_in_keys(plan.outside, upstream["public_keys"])
    hosts = {host: inventory.variables[host] for host in event.ports}
    replaced = replace(event, hosts, keys)
    clients = {client.name: client.network or "" for client in plan.of_kind("client")}
    answers = outside_answers(plan.outside, upstream["root"] if keys else None)
    promises = {
        name: {**replace_texts(inventory.variables[name], keys), "verify_network": network, **answers}
        for name, network in clients.items()
    }
    own = {name: {**replaced.variables.get(name, {}), **promises.get(name, {}), **logins[name]} for name in logins}
    overruled = {*BECOME, *(variable for login in logins.values() for variable in login)}
    namesakes = {name for name in clients if {"ansible_host", "ansible_ssh_host"} & inventory.variables[name].keys()}
    dropped = (inventory.hosts - own.keys()) | namesakes
    others = replace_inventory(dropped, inventory.clients, hosts.values(), overruled)
    pages = {name: open_pages(network, {**inventory.variables[name], **answers}) for name, network in clients.items()}
    return Overlay({"all": list(own), "clients": list(clients)}, own, [*replaced.report, *others], pages)


def stand_in_keys(outside: Outside, public_keys: Mapping[str, str]) -> dict[str, str]:
    """Return the public key that stands for each upstream's; `public_keys` are those of the rehearsal, by name."""
    names = {upstream.key: upstream.key.split(":")[0] for upstream in outside.upstreams}
    return {key: public_keys[name] for key, name in names.items() if name in public_keys}


def outside_answers(outside: Outside, closure: str | None) -> dict[str, Any]:
    """Return the variables of verify.yml that the stand-in internet answers; `closure` is a path that upstream has."""
    return {
        "verify_address_page": outside.address_page,
        "verify_failover": True,
        "verify_upstream_closure": closure,
        "verify_upstream_program": f"{closure}/bin/{PROGRAM}" if closure else None,
        "verify_upstream_output": PROGRAM_OUTPUT if closure else None,
    }


def open_pages(network: str, promises: Variables) -> list[str]:
    """Return the URLs that a client of a network can open, made of its variables."""
    outside = [promises["verify_address_page"]] if network in promises["verify_egress"] else []
    caches = [cache for cache in promises["verify_caches"] if network in cache["networks"]]
    return [*outside, *(f"{cache['url']}/nix-cache-info" for cache in caches)]
