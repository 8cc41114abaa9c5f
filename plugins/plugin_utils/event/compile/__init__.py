# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From an event to an Ansible inventory: one module a role, put together by host class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..model import Event, Host
from ..schema import CLASSES, MANAGED
from ..secret_paths import SecretPaths
from . import (
    badges,
    base,
    dhcp,
    dns,
    egress,
    firewall,
    hydra,
    nar_server,
    nebula,
    network,
    nix,
    ntp,
    reverse_proxy,
    secrets,
    verify,
)

Variables = dict[str, Any]
Compile = Callable[[Event, Host, SecretPaths], Variables]

COMMON: tuple[Compile, ...] = (base.variables, network.variables, ntp.variables, nebula.variables, nix.variables)
OF_CLASS: dict[str, tuple[Compile, ...]] = {
    "router": (firewall.variables, dhcp.variables, dns.variables, reverse_proxy.variables),
    "mesh": (),
    "cache": (nar_server.variables,),
    "builder": (),
    "egress": (egress.variables, dns.variables),
}


@dataclass(frozen=True, slots=True)
class Inventory:
    """What an event comes to.

    groups: all host names in MANAGED, and those of each class, also those without hosts; hosts: variables by host name;
    clients: variables of the group of unmanaged clients; everybody: variables of all hosts.
    """

    groups: dict[str, list[str]] = field(default_factory=dict)
    hosts: dict[str, Variables] = field(default_factory=dict)
    clients: Variables = field(default_factory=dict)
    everybody: Variables = field(default_factory=dict)
    controller: Variables = field(default_factory=dict)


def compile_event(event: Event, secret_paths: SecretPaths) -> Inventory:
    """Compile a checked event."""
    return Inventory(
        groups={
            MANAGED: list(event.hosts),
            **{name: [host.name for host in event.hosts.values() if host.is_a(name)] for name in CLASSES},
        },
        hosts={host.name: compile_host(event, host, secret_paths) for host in event.hosts.values()},
        clients=verify.variables(event),
        everybody=secrets.variables(event, secret_paths) | badges.variables(event, secret_paths),
        controller=hydra.variables(event),
    )


def compile_host(event: Event, host: Host, secret_paths: SecretPaths) -> Variables:
    """All variables of one host: of the roles every host has, then of those of its classes."""
    found: Variables = {"ansible_host": reachable_address(event, host)}
    for compile_role in (*COMMON, *(role for name in host.classes for role in OF_CLASS[name])):
        found |= compile_role(event, host, secret_paths)
    return found


def reachable_address(event: Event, host: Host) -> str:
    """Where the crew reaches a host by SSH: on the first network of `manage` it is on, or any network of the site;
    hosts elsewhere by their public address; failing all, over the overlay."""
    networks = [*(name for name in event.manage if name in event.networks), *(i.network for i in host.lan_interfaces)]
    on_site = (host.address_in(name) for name in networks if name)
    return str(next((address for address in on_site if address), host.public_address or host.overlay))
