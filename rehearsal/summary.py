"""Says what stands, what to try, what was replaced and how long it took."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .containers import Containers
from .event import Event
from .plan import Container, Plan
from .replace import Replacement


@dataclass(frozen=True)
class Line:
    """A container in the summary: its name, what it is, its addresses by interface, and URLs a client can open."""

    name: str
    kind: str
    addresses: Mapping[str, Sequence[str]]
    pages: Sequence[str] = ()


def read_lines(containers: Containers, plan: Plan, event: Event, pages: Mapping[str, Sequence[str]]) -> list[Line]:
    """Ask all containers for their addresses; `pages` are those that each client can open."""
    running = containers.running()
    lines: list[Line] = []
    for container in plan.containers:
        addresses: dict[str, list[str]] = {}
        if container.name in running:
            links = json.loads(containers.execute(container.name, ["ip", "-json", "-4", "address"]))
            for link in links:
                found = [entry["local"] for entry in link["addr_info"] if entry["local"] != "127.0.0.1"]
                if found:
                    addresses[link["ifname"]] = found
        kind = describe(container, event) if container.name in running else "STOPPED"
        lines.append(Line(container.name, kind, addresses, pages.get(container.name, ())))
    return lines


def describe(container: Container, event: Event) -> str:
    """Return what a container is, in a word or two. Pure."""
    if container.kind == "client":
        return f"client on {container.network}"
    if container.kind == "outside":
        return "stand-in"
    return ", ".join(event.classes[container.name])


def render(
    event: Event, lines: Sequence[Line], replaced: Iterable[Replacement], seconds: Mapping[str, float], selector: str
) -> str:
    """Return the printed summary; `selector` is what `make` needs to find this event. Pure."""
    machines = [
        [line.name, line.kind, "  ".join(f"{device} {' '.join(texts)}" for device, texts in line.addresses.items())]
        for line in lines
    ]
    networks = [[name, cidr] for name, cidr in event.spaces.items()]
    parts = [
        f"{event.title} stands.",
        "\nMachines",
        *table(machines),
        "\nNetworks",
        *table(networks),
        "\nTry",
        *table(suggestions(lines, selector)),
        "\nReplaced, because this is one machine",
        *table([[entry.host, entry.what, f"→ {entry.by}", entry.why] for entry in replaced]),
        "\nTook",
        *table([[f"{duration:6.1f} s", name] for name, duration in seconds.items()]),
    ]
    return "\n".join(parts)


def suggestions(lines: Sequence[Line], selector: str) -> list[list[str]]:
    """Return commands worth trying, each with what it is good for. Pure."""
    router = next(line.name for line in lines if "router" in line.kind)
    shells = [
        [f"make shell{selector} HOST={line.name}", f"root on the {line.kind}{_curls(line.pages)}"]
        for line in lines
        if line.kind.startswith("client")
    ]
    return [
        *shells,
        [f"make verify{selector}", "ask again what clients would ask"],
        [f"make site{selector} ARGS='--check --diff'", "what would change, if anything"],
        [f"make reboot{selector} HOST={router}", "does it come back by itself?"],
        [f"make rehearsal-down{selector}", "remove every trace"],
    ]


def _curls(urls: Sequence[str]) -> str:
    return f"; there: {', '.join(f'curl {url}' for url in urls[:2])}" if urls else ""


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines of aligned columns. Pure."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        ("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip() for row in rows
    ]
