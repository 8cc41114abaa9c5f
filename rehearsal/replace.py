"""Replaces what containers on one machine cannot be, in the variables of the hosts and nowhere else. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .event import Event

STACKED = ("bond", "vlan", "bridge")
STACK_KEYS = ("members", "mode", "parent", "id")


@dataclass(frozen=True)
class Replacement:
    """Something that is not as it would be on site; `host` is a host or "all hosts"."""

    host: str
    what: str
    by: str
    why: str


@dataclass(frozen=True)
class Replaced:
    """The variables that differ from the event's, and the report of why."""

    variables: Mapping[str, Mapping[str, Any]]
    report: Sequence[Replacement]


def replace(event: Event, variables: Mapping[str, Mapping[str, Any]], keys: Mapping[str, str]) -> Replaced:
    """Return what to override of the hosts' variables.

    `variables` are those Ansible would use, by host; `keys` maps the public key of each upstream to its stand-in's.
    """
    changed: dict[str, dict[str, Any]] = {}
    report: list[Replacement] = []
    for host, own in variables.items():
        interfaces, replacements = replace_interfaces(event, host, own.get("network_interfaces", []))
        changed[host] = {"network_interfaces": interfaces} if replacements else {}
        report += replacements + radios(event, host)
        if own.get("ntp_control_clock"):
            changed[host]["ntp_control_clock"] = False
        if own.get("dns_dnssec_validation"):
            changed[host]["dns_dnssec_validation"] = False
        changed[host] |= replace_texts(own, keys)
    everywhere = {name for values in changed.values() for name in values}
    report += [entry for name, entry in EVERYWHERE.items() if name in everywhere]
    if keys:
        report.append(
            Replacement(
                "all hosts", "upstream caches' keys", "keys of the rehearsal", "nobody else can sign as upstream does"
            )
        )
    return Replaced(changed, report)


EVERYWHERE = {
    "ntp_control_clock": Replacement(
        "all hosts", "setting the clock", "watching it", "all containers have the machine's clock"
    ),
    "dns_dnssec_validation": Replacement(
        "all hosts", "DNSSEC validation", "none", "the names of the stand-in internet are not signed"
    ),
}


def replace_interfaces(
    event: Event, host: str, interfaces: Sequence[Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], list[Replacement]]:
    """Return a host's interfaces with each bond, VLAN or bridge as one plain cable of its name, and what was replaced.

    What they were made of has no cable any more, unless it carries a network of its own.
    """
    plugged = {port.name for port in event.ports[host]}
    by_name = {interface["name"]: interface for interface in interfaces}
    kept: list[dict[str, Any]] = []
    report: list[Replacement] = []
    for interface in interfaces:
        name, kind = interface["name"], interface["kind"]
        if kind in STACKED and name in plugged:
            kept.append(
                {key: value for key, value in interface.items() if key not in STACK_KEYS} | {"kind": "physical"}
            )
            report.append(
                Replacement(
                    host, describe(interface, by_name), f"one cable, {name}", "one machine needs no tags and no trunks"
                )
            )
        elif name in plugged or kind not in (*STACKED, "physical"):
            kept.append(dict(interface))
    described = " ".join(entry.what for entry in report)
    loose = [name for name in by_name if name not in {entry["name"] for entry in kept} and name not in described]
    report += [Replacement(host, name, "nothing", "no network or uplink is on it") for name in loose]
    return kept, report


def describe(interface: Mapping[str, Any], by_name: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what an interface is made of, down to its ports: "vlan trunk0.2 on bond trunk0 of sfp0, sfp1"."""
    text = f"{interface['kind']} {interface['name']}"
    if parent := by_name.get(interface.get("parent", "")):
        return f"{text} on {describe(parent, by_name)}"
    members = [by_name[name] for name in interface.get("members", []) if name in by_name]
    parts = [describe(member, by_name) if member["kind"] in STACKED else member["name"] for member in members]
    return f"{text} of {', '.join(parts)}" if parts else text


def replace_inventory(
    hosts: Iterable[str], clients: Container[str], variables: Iterable[Mapping[str, Any]], login: Container[str]
) -> list[Replacement]:
    """Return what is reported of a user's inventory.

    `hosts` are those without a container, `clients` those in the group `clients`; `variables` are those of the hosts
    that have a container, and `login` names all variables that say how to log in.
    """
    why = "a rehearsal never leaves this machine"
    report = [
        Replacement(host, "a client of your own", "clients of the rehearsal", why)
        if host in clients
        else Replacement(host, "a host that is not in the event file", "nothing", why)
        for host in sorted(hosts)
    ]
    given = sorted({name for own in variables for name in own if name in login})
    return [*report, Replacement("all hosts", f"logins ({', '.join(given)})", "SSH to the containers", why)]


def radios(event: Event, host: str) -> list[Replacement]:
    """Return what is reported of a host's radio uplinks: their names say what they are."""
    wireless = [port for port in event.ports[host] if port.uplink and port.name.startswith(("ww", "wl"))]
    return [
        Replacement(host, f"radio {port.name}", f"a cable to uplink {port.uplink}", "a container has no radio")
        for port in wireless
    ]


def replace_texts(variables: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, Any]:
    """Return those variables in which a text is replaced."""
    replaced = {name: replace_text(value, texts) for name, value in variables.items()}
    return {name: value for name, value in replaced.items() if value != variables[name]}


def replace_text(value: Any, texts: Mapping[str, str]) -> Any:
    """Return a value with texts replaced wherever they occur in it."""
    if isinstance(value, str):
        # The type is kept: it may say that the text is no template.
        for old, new in texts.items():
            value = type(value)(value.replace(old, new))
        return value
    if isinstance(value, list):
        return [replace_text(item, texts) for item in value]
    if isinstance(value, dict):
        return {key: replace_text(item, texts) for key, item in value.items()}
    return value
