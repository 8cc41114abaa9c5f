# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A picture of an event's network, as SVG: the same event always gives the same picture.

    PYTHONPATH=.cache/collections python3 -m ansible_collections.nixvegas.noc.plugins.plugin_utils.event.diagram \\
        inventories/dc33 > docs/dc33.svg

From top to bottom: the internet, the uplinks, the router beside the hosts elsewhere with the tunnel between them, the
networks as bars, the hosts on site hanging on them, the published names. A wire ends in a dot at the bar it is plugged
into, and passes behind the others.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

from ..event_file import event_files, read_event
from . import EventError
from .model import Event, Host, Network

MARGIN = 28
COLUMN, BOX = 176, 156  # the width given to a host, and that of its box
BAR, BAR_PITCH = 34, 56
LINE = 17
INTERNET_BOTTOM, CARDS_TOP, TUNNEL = 88, 160, 192
PLUG = 120  # the width given to an interface of the router
GAP = 24
LONGEST_LIST = 30
NETWORK_COLOURS = ("#3b6fb6", "#c2702d", "#3f8f5b", "#8a5bb0", "#b0475b", "#3a8e99", "#8c7a2e", "#5c6670")
CLASS_COLOURS = {"router": "#22303c", "egress": "#7a3b8f", "cache": "#2d7d6b", "builder": "#a85d1f", "mesh": "#4a68a8"}
STYLE = """
text{font-family:'DejaVu Sans',Verdana,Arial,sans-serif;font-size:12px;fill:#22303c}
.title{font-size:20px;font-weight:bold}
.name{font-size:14px;font-weight:bold}
.small{font-size:11px;fill:#52606d}
.host{font-size:14px;font-weight:bold;fill:#fff}
.network{font-size:13px;font-weight:bold;fill:#fff}
.fact{font-size:11px;fill:#fff}
"""


@dataclass
class Canvas:
    """SVG elements in three layers: wires below, dots at their ends above all else."""

    wires: list[str] = field(default_factory=list)
    shapes: list[str] = field(default_factory=list)
    dots: list[str] = field(default_factory=list)

    def text(self, x: float, y: float, text: str, style: str = "", *, anchor: str = "start") -> None:
        """One line of text, its baseline at y."""
        css = f' class="{style}"' if style else ""
        self.shapes.append(f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{css}>{escape(text)}</text>')

    def box(self, x: float, y: float, width: float, height: float, *, fill: str, edge: str = "none") -> None:
        """A rectangle with round corners."""
        place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
        self.shapes.append(f'<rect {place} rx="6" fill="{fill}" stroke="{edge}"/>')

    def wire(self, x: float, top: float, bottom: float, colour: str, *, dot: float) -> None:
        """A vertical wire, with a dot at the height `dot`, where it is plugged in."""
        self.wires.append(f'<path d="M{x:g} {top:g}V{bottom:g}" stroke="{colour}" stroke-width="2.5" fill="none"/>')
        self.dots.append(f'<circle cx="{x:g}" cy="{dot:g}" r="5" fill="{colour}" stroke="#fff" stroke-width="1.5"/>')

    def svg(self, width: float, height: float, title: str) -> str:
        """The whole picture."""
        size = f'width="{width:g}" height="{height:g}"'
        label = escape(title, {'"': "&quot;"})
        frame = f'{size} viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{label}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {frame}>\n<style>{STYLE}</style>\n<rect {size} fill="#fff"/>'
        return "\n".join([head, *self.wires, *self.shapes, *self.dots, "</svg>\n"])


def fitted(text: str, width: float, per_letter: float) -> str:
    """The text, cut off to fit a width, at the width of an average letter."""
    most = int(width / per_letter)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def draw(event: Event) -> str:
    """The picture of an event."""
    return _Diagram(event).draw()


class _Diagram:
    def __init__(self, event: Event) -> None:
        self.event = event
        self.canvas = Canvas()
        self.on_site = [host for host in event.hosts.values() if host.on_site and not host.is_a("router")]
        self.elsewhere = [host for host in event.hosts.values() if not host.on_site]
        self.colours = {name: NETWORK_COLOURS[i % len(NETWORK_COLOURS)] for i, name in enumerate(event.networks)}
        # The router's wires go down the left side, the hosts' go up on the right of them: none crosses another.
        self.router_width = max(330, PLUG * len(event.networks), PLUG * len(event.router.uplink_interfaces))
        right = COLUMN * max(len(self.on_site), len(self.elsewhere) + 2)
        self.width = 2 * MARGIN + self.router_width + GAP + right
        bars_top = CARDS_TOP + 166
        self.bars = {name: bars_top + BAR_PITCH * index for index, name in enumerate(event.networks)}
        self.hosts_top = bars_top + BAR_PITCH * len(event.networks) + 30

    def draw(self) -> str:
        self.head()
        self.router()
        self.remote_hosts()
        for network in self.event.networks.values():
            self.draw_network(network)
        bottoms = [self.host(index, host) for index, host in enumerate(self.on_site)]
        return self.canvas.svg(self.width, max([self.published(), *bottoms]) + MARGIN, self.event.title)

    def head(self) -> None:
        event, canvas = self.event, self.canvas
        canvas.text(MARGIN, 36, event.title, "title")
        canvas.text(self.width - MARGIN, 36, event.domain, "small", anchor="end")
        canvas.box(MARGIN, INTERNET_BOTTOM - 34, self.width - 2 * MARGIN, 34, fill="#e6ebf0")
        canvas.text(self.width / 2, INTERNET_BOTTOM - 12, "the internet", anchor="middle")

    def uplinks(self, host: Host, left: float, width: float) -> None:
        """The host's wires to the internet, spread over its width, each with its uplink, interface and metric."""
        step = width / max(1, len(host.uplink_interfaces))
        for index, interface in enumerate(host.uplink_interfaces):
            x = left + step * (index + 0.5)
            uplink = interface.uplink or ""
            choice = f", metric {self.event.uplinks[uplink]}" if len(host.uplink_interfaces) > 1 else ""
            self.canvas.wire(x, INTERNET_BOTTOM, CARDS_TOP, "#52606d", dot=INTERNET_BOTTOM)
            self.canvas.text(x + 8, INTERNET_BOTTOM + 30, uplink)
            self.canvas.text(x + 8, INTERNET_BOTTOM + 46, f"{interface.name}{choice}", "small")

    def card(self, host: Host, left: float, top: float, width: float, facts: list[str]) -> float:
        """A host: its name on the colour of its first class, its classes, then lines of facts. Gives its bottom."""
        lines = [", ".join(host.classes), f"overlay {host.overlay}", *facts, *self.duties(host)]
        canvas, height = self.canvas, 36 + LINE * len(lines)
        canvas.box(left, top, width, height, fill="#fff", edge="#9aa5b1")
        canvas.box(left, top, width, 26, fill=CLASS_COLOURS[host.classes[0]])
        canvas.text(left + 10, top + 18, fitted(host.name, width - 20, 9.5), "host")
        for index, line in enumerate(lines):
            canvas.text(
                left + 10, top + 44 + LINE * index, fitted(line, width - 20, 5.6), "" if index == 0 else "small"
            )
        return top + height

    def duties(self, host: Host) -> list[str]:
        """What a host is besides its classes."""
        parts = [role for role, has in (("lighthouse", host.lighthouse), ("relay", host.relay)) if has]
        cache = self.event.cache_of_host.get(host.name)
        lines = [", ".join(parts)] if parts else []
        return [*lines, f"cache {cache.name}, priority {cache.priority}"] if cache else lines

    def router(self) -> None:
        host, width = self.event.router, self.router_width
        self.uplinks(host, MARGIN, width)
        bottom = self.card(host, MARGIN, CARDS_TOP, width, [])
        step = width / len(self.event.networks)
        for index, name in enumerate(self.event.networks):
            x = MARGIN + step * (index + 0.5)
            self.canvas.wire(x, bottom, self.bars[name], self.colours[name], dot=self.bars[name])
            self.canvas.text(x + 8, bottom + 22, fitted(self.event.router_interfaces[name].name, PLUG - 12, 7))
            self.canvas.text(x + 8, bottom + 38, str(self.event.router_addresses[name]), "small")

    def remote_hosts(self) -> None:
        """Hosts elsewhere, at the right end, and the tunnel from the router to them."""
        event, canvas = self.event, self.canvas
        left = self.width - MARGIN - COLUMN * len(self.elsewhere) + COLUMN - BOX
        for index, host in enumerate(self.elsewhere):
            x = left + COLUMN * index
            self.uplinks(host, x, BOX)
            public = [str(host.public_address)] if host.public_address else []
            self.card(host, x, CARDS_TOP, BOX, public)
        start = MARGIN + self.router_width
        end = left if self.elsewhere else self.width - MARGIN
        middle = (start + end) / 2
        dashes = f'stroke="{CLASS_COLOURS["egress"]}" stroke-width="4" stroke-dasharray="9 6"'
        canvas.wires.append(f'<path d="M{start:g} {TUNNEL:g}H{end:g}" {dashes} fill="none"/>')
        canvas.text(middle, TUNNEL - 12, f"overlay {event.overlay}, UDP {event.overlay_port}", anchor="middle")
        if event.exit:
            names = ", ".join(network.name for network in event.exiting)
            what = f"internet traffic of {names}" if len(names) < LONGEST_LIST else "all internet traffic"
            canvas.text(middle, TUNNEL + 22, what, "small", anchor="middle")
            canvas.text(middle, TUNNEL + 38, f"leaves by {event.exit.name} only", "small", anchor="middle")

    def draw_network(self, network: Network) -> None:
        canvas, y = self.canvas, self.bars[network.name]
        canvas.box(MARGIN, y, self.width - 2 * MARGIN, BAR, fill=self.colours[network.name])
        facts = [str(network.cidr)]
        if network.vlan:
            facts.append(f"VLAN {network.vlan}")
        if network.pool:
            facts.append(f"DHCP {network.pool.first}–{network.pool.last}")  # noqa: RUF001 - a range is set with an en dash
        canvas.text(MARGIN + 14, y + 22, network.name, "network")
        canvas.text(MARGIN + 30 + 9 * len(network.name), y + 22, " · ".join(facts), "fact")
        targets = self.event.access.get(network.name, ())
        reach = f"may reach {', '.join(targets)}" if targets else "may reach nothing"
        canvas.text(self.width - MARGIN - 14, y + 22, reach, "fact", anchor="end")

    def host(self, index: int, host: Host) -> float:
        """A host on site, with its wires. Gives its bottom."""
        start = MARGIN + self.router_width + GAP
        left = start + (self.width - MARGIN - start) / len(self.on_site) * (index + 0.5) - BOX / 2
        interfaces = host.lan_interfaces
        for position, interface in enumerate(interfaces):
            x = left + BOX / len(interfaces) * (position + 0.5)
            name = interface.network or ""
            end = self.bars[name] + BAR
            self.canvas.wire(x, end, self.hosts_top, self.colours[name], dot=end)
        plugs = [f"{interface.name} {interface.address or 'by DHCP'}" for interface in interfaces]
        return self.card(host, left, self.hosts_top, BOX, plugs)

    def published(self) -> float:
        """The published names, below the router. Gives the bottom of the text."""
        canvas, y = self.canvas, self.hosts_top + 18
        for publication in self.event.publish.values():
            caches = ", then ".join(f"{name} on {self.event.caches[name].host}" for name in publication.caches)
            canvas.text(MARGIN, y, fitted(f"https://{publication.name}", self.router_width, 9.5), "name")
            for line in (f"for {', '.join(publication.to)}", f"from {caches}"):
                y += LINE + 2
                canvas.text(MARGIN, y, fitted(line, self.router_width, 6.1), "small")
            y += LINE + 14
        if self.event.mesh:
            canvas.text(MARGIN, y, f"{self.event.mesh} is kept free for the mesh", "small")
        return y


def main() -> int:
    """Write the picture of the inventory given as argument to standard output; or to standard error what is wrong."""
    files = event_files(Path(sys.argv[1]))
    if not files:
        raise SystemExit(f"{sys.argv[1]}: no event.yml is there")
    try:
        sys.stdout.write(draw(read_event(files[0])))
    except EventError as error:
        raise SystemExit(error.report) from error
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
