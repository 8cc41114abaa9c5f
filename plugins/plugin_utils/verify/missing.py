# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the proof leaves out, and why: of networks, of clients, of questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .answers import ASKED
from .client import caches_of

Variables = Mapping[str, Any]

INTERNET = "the address the internet sees"
DISRUPTIVE = "a stopped cache server, a stopped tunnel"
VARIABLES = {
    "verify_address_page": INTERNET,
    "verify_upstream_closure": "a closure signed by upstream, from the caches",
    "verify_failover": f"{DISRUPTIVE} (interrupts the network)",
}


def missing(hosts: Mapping[str, Variables], clients: Sequence[str], check_mode: bool = False) -> list[str]:
    """One line of text for each thing that is not asked.

    ``hosts``: the variables of all hosts, with what verify.yml registered. ``clients``: the group of that name.
    """
    of_clients = {name: hosts[name] for name in clients}
    asked = {name: variables for name, variables in of_clients.items() if ASKED in variables}
    return [
        *_networks(of_clients),
        *(
            f"anything from {name}, on {variables.get('verify_network')}: it is not in this run (--limit)"
            for name, variables in of_clients.items()
            if name not in asked
        ),
        *_variables(asked),
        *_unpromised(asked),
        *([f"{DISRUPTIVE}: check mode interrupts nothing"] if check_mode and _any(asked, "verify_failover") else []),
    ]


def _any(clients: Mapping[str, Variables], variable: str) -> bool:
    return any(variables.get(variable) for variables in clients.values())


def _networks(clients: Mapping[str, Variables]) -> Iterator[str]:
    """Networks nobody asks from."""
    on = {variables.get("verify_network") for variables in clients.values()}
    networks = {name: item for variables in clients.values() for name, item in _known(variables).items()}
    for name, network in networks.items():
        if name not in on:
            pool = "" if network["pool"] else ", which has no pool of addresses"
            yield f"anything from {name}{pool}: no host of the group 'clients' is on it"


def _known(variables: Variables) -> Mapping[str, Any]:
    networks: Mapping[str, Any] = variables.get("verify_networks") or {}
    return networks


def _variables(clients: Mapping[str, Variables]) -> Iterator[str]:
    """Questions that wait for a variable."""
    for variable, what in VARIABLES.items():
        without = [name for name, variables in clients.items() if not variables.get(variable)]
        if without:
            whose = "" if len(without) == len(clients) else f", from {', '.join(without)}"
            yield f"{what}{whose}: {variable} is not set"


def _unpromised(clients: Mapping[str, Variables]) -> Iterator[str]:
    """Questions whose answer the event promises to others only."""
    for name, promises in clients.items():
        network = promises.get("verify_network")
        if network is None or network not in _known(promises):
            continue
        if promises.get("verify_address_page") and network not in promises["verify_egress"]:
            yield f"{INTERNET}, the tunnel, from {name}: network {network} has no exit"
        if promises["verify_caches"] and not caches_of(promises, network):
            yield f"the caches, from {name}: nothing is published to {network}"
