"""Puts a plan up: namespaces, networks, containers; and takes it down."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from .command import RehearsalError
from .containers import Containers, File
from .layers import remove_tree
from .namespaces import find_holder, start_holder, stop_holder
from .paths import State
from .plan import Plan
from .ssh import login_files, write_client
from .wiring import rewire, wire

# More at a time only wait for each other's disk and processor.
AT_ONCE = 4

Item = TypeVar("Item")
Result = TypeVar("Result")
Layers = Mapping[str, Sequence[Path]]


def digest(plan: Plan, layers: Layers, files: Mapping[str, Mapping[str, File]]) -> str:
    """Return a text that differs between rehearsals that differ in anything they are put up from. Pure."""
    parts = [plan, sorted(layers.items()), sorted((name, sorted(own.items())) for name, own in files.items())]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def is_standing(state: State, wanted: str) -> bool:
    """Tell whether what stands was put up from the same parts."""
    return find_holder(state) is not None and state.plan.exists() and state.plan.read_text() == wanted


def put_up(state: State, plan: Plan, layers: Layers, files: Mapping[str, Mapping[str, File]]) -> Containers:
    """Boot all containers of a plan; `layers` are those of each kind of container, topmost first.

    What stands already is left as it is, apart from containers that stopped.
    Raises RehearsalError if units failed to start.
    """
    wanted = digest(plan, layers, files)
    names = [container.name for container in plan.containers]
    fresh = not is_standing(state, wanted)
    if fresh:
        if find_holder(state):
            print(f"What stands of {state.name} was put up from something else; it is taken down first", flush=True)
        take_down(state)
        holder = start_holder(state)
        wire(holder, plan)
        containers = Containers(state, holder)
        for container in plan.containers:
            basics = {"/etc/hostname": File(f"{container.name}\n"), **login_files(state, container.name)}
            containers.prepare(container.name, layers[container.kind], {**basics, **files.get(container.name, {})})
        in_parallel(containers.start, names)
        state.plan.write_text(wanted)
    else:
        containers = standing(state)
        running = containers.running()
        in_parallel(containers.restart, [name for name in names if name not in running])
    state.wiring.write_text(plan.digest)
    write_client(state, containers.holder, names)
    failed = [
        f"{unit} on {name}"
        for name, units in zip(names, in_parallel(containers.wait, names), strict=True)
        for unit in units
    ]
    if failed and fresh:
        raise RehearsalError(f"units that failed to start: {', '.join(failed)}")
    return containers


def standing(state: State) -> Containers:
    """Return the containers of a rehearsal that stands; raises RehearsalError if it does not."""
    holder = find_holder(state)
    if holder is None:
        raise RehearsalError(f"the rehearsal {state.name!r} is not standing; put it up first")
    return Containers(state, holder)


def reboot(state: State, plan: Plan, name: str) -> None:
    """Shut a container down and boot it again: rules, routes and devices are gone, its disk stays."""
    containers = standing(state)
    containers.stop(name)
    rewire(containers.holder, plan, name)
    containers.restart(name)
    containers.wait(name)


def take_down(state: State) -> None:
    """Remove every trace of a rehearsal, in whatever state it is."""
    stop_holder(state)
    remove_tree(state.folder)
    remove_tree(state.sockets)
    with contextlib.suppress(OSError):  # another rehearsal's are there too, or none ever were
        state.sockets.parent.rmdir()


def in_parallel(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Return what `work` returns for each item."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(work, items))
