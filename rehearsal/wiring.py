"""Makes the network namespaces, bridges and cables of a plan, with `ip` in the holder's namespaces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .command import run
from .namespaces import Holder
from .plan import FABRIC, Cable, Plan


def bridge_commands(bridges: Iterable[str]) -> list[str]:
    """Return `ip -batch` lines that make bridges. Pure."""
    return [
        line
        for bridge in bridges
        for line in (
            f"link add name {bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
            f"link set dev {bridge} up",
        )
    ]


def cable_commands(cables: Iterable[tuple[int, Cable]]) -> list[str]:
    """Return `ip -batch` lines that plug in cables, each with its number in the plan. Pure."""
    return [
        line
        for number, cable in cables
        for line in (
            f"link add name cable{number} type veth peer name {cable.port} address {cable.mac} netns {cable.container}",
            f"link set dev cable{number} master {cable.bridge} alias {cable.container}/{cable.port} up",
        )
    ]


def wire(holder: Holder, plan: Plan) -> None:
    """Make everything a plan wires; none of it may exist."""
    namespaces = [FABRIC, *(container.name for container in plan.containers)]
    batch(holder, [], [f"netns add {name}" for name in namespaces])
    for name in namespaces:
        batch(holder, ["-netns", name], ["link set dev lo up"])
    batch(holder, ["-netns", FABRIC], [*bridge_commands(plan.bridges), *cable_commands(enumerate(plan.cables))])


def rewire(holder: Holder, plan: Plan, container: str) -> None:
    """Make a container's network namespace anew: nothing that was set in it is left."""
    batch(holder, [], [f"netns delete {container}", f"netns add {container}"])
    batch(holder, ["-netns", container], ["link set dev lo up"])
    mine = [(number, cable) for number, cable in enumerate(plan.cables) if cable.container == container]
    batch(holder, ["-netns", FABRIC], cable_commands(mine))


def plug(holder: Holder, plan: Plan, container: str) -> None:
    """Pull a container's cables out and put them in again: it asks for an address at once."""
    numbers = [number for number, cable in enumerate(plan.cables) if cable.container == container]
    batch(
        holder,
        ["-netns", FABRIC],
        [f"link set dev cable{number} {way}" for way in ("down", "up") for number in numbers],
    )


def batch(holder: Holder, options: Sequence[str], lines: Iterable[str]) -> None:
    """Run lines of `ip` in the holder's mount namespace."""
    run([*holder.enter, "ip", *options, "-batch", "-"], stdin="".join(f"{line}\n" for line in lines))
