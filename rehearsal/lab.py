"""A few containers without an event: what a role is tested on by itself."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from .boot import put_up, take_down
from .command import RehearsalError
from .image import bare_layer, base_layer
from .inventory import write_overlay
from .paths import State
from .plan import plan_lab
from .preflight import check_machine
from .ssh import connection


def lab_state(cache: Path, name: str) -> State:
    """Return where a lab keeps its files."""
    return State(cache, f"lab-{name}")


def parse_host(text: str) -> tuple[str, dict[str, str]]:
    """Return a container's name and the network of each of its ports, from HOST or HOST=PORT,PORT:NETWORK,…

    A port without a network leads to one of its own name, which containers that have such a port share.
    """
    host, _unused, ports = text.partition("=")
    pairs = [port.partition(":") for port in ports.split(",") if port]
    if not host or any(not port for port, _colon, _network in pairs):
        raise RehearsalError(
            f"{text!r}: a container is HOST or HOST=PORT,PORT:NETWORK, for example router=eth0,eth1:lan"
        )
    return host, {port: network or port for port, _colon, network in pairs}


def put_lab_up(state: State, hosts: Iterable[str], *, bare: bool) -> None:
    """Boot a lab's containers and write its inventory; a lab that stands is made anew."""
    plan = plan_lab(state.name, dict(parse_host(host) for host in hosts))
    check_machine(state.cache, len(plan.containers))
    base = base_layer(state.cache)
    layers = [bare_layer(base), base] if bare else [base]
    take_down(state)
    try:
        put_up(state, plan, {"host": layers}, {})
    except BaseException:
        with contextlib.suppress(RehearsalError):
            take_down(state)
        raise
    names = [container.name for container in plan.containers]
    write_overlay(state, {"all": names}, {name: connection(state, name) for name in names})
