# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the event expects of the outside: public addresses, and servers that are really elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from urllib.parse import urlsplit

from ..document import Cell, Document
from ..mistakes import Mistakes
from ..values import special_network
from .addresses import Once, interfaces, named, spaces

EXAMPLE_NETWORKS = [IPv4Network(cidr) for cidr in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]  # RFC 5737


def check(document: Document) -> None:
    """Public addresses of hosts; resolvers, time servers and caches elsewhere."""
    root, mistakes = document.root, document.mistakes
    found = list(spaces(root))
    _public_addresses(root, found, mistakes)
    for cell, server in _servers(root):
        if isinstance(server, IPv4Address):
            inside = next((path for path, _unused, cidr in found if server in cidr), None)
            if inside:
                mistakes.add(cell.line, cell.path, cell.text, f"is inside {inside}", "name a server elsewhere")
        else:
            _reachable_by_name(cell, server, root, mistakes)


def _servers(root: Cell) -> Iterator[tuple[Cell, IPv4Address | str]]:
    """Every server that is to be elsewhere, by address or by name."""
    for cell in [*root.each("resolvers"), *root.each("time_servers")]:
        if cell.value is not None:
            yield cell, _address_or_name(str(cell.value))
    for _unused, cache in named(root, "caches"):
        url = cache.get("url")
        if url is not None and isinstance(url.value, str) and not cache.get("host"):
            yield url, _address_or_name(urlsplit(url.value).hostname or "")


def _address_or_name(server: str) -> IPv4Address | str:
    try:
        return IPv4Address(server)
    except ValueError:
        return server


def _reachable_by_name(cell: Cell, name: str, root: Cell, mistakes: Mistakes) -> None:
    """The router answers for the event's domain and for all that is below a published name: nobody on site is told
    what the outside knows there."""
    domain = root.read("domain", str)
    if domain and _is_below(name, domain):
        problem = f"is in {domain}, the event's own domain, of which the outside's names are not seen on site"
        mistakes.add(cell.line, cell.path, cell.text, problem, "name a server elsewhere, or choose another domain")
    for published, publication in named(root, "publish"):
        if _is_below(name, published) and not (domain and _is_below(published, domain)):
            problem = f"hides {name} of {cell.path}, line {cell.line}, from everybody on site"
            mistakes.add(publication.line, publication.path, published, problem, "publish another name")


def _is_below(name: str, domain: str) -> bool:
    return name == domain or name.endswith(f".{domain}")


def _is_public(address: IPv4Address) -> bool:
    """Whether the internet can know a host by it; the addresses of documentation stand for such."""
    return address.is_global or any(address in network for network in EXAMPLE_NETWORKS)


def _public_addresses(root: Cell, spaces: list[tuple[str, Cell, IPv4Network]], mistakes: Mistakes) -> None:
    taken = Once(mistakes)
    for host, interface in interfaces(root):
        cell = interface.get("address")
        if interface.get("uplink") is None or cell is None or not isinstance(cell.value, IPv4Address):
            continue
        inside = next((path for path, _unused, cidr in spaces if cell.value in cidr), None)
        remedy = "write the address the internet knows the host by"
        special = special_network(cell.value)
        if inside:
            mistakes.add(cell.line, cell.path, cell.text, f"is inside {inside}", remedy)
        elif special:
            mistakes.add(cell.line, cell.path, cell.text, f"is within {special}, which no host can use", remedy)
        elif "egress" in host.texts("class") and not _is_public(cell.value):
            mistakes.add(cell.line, cell.path, cell.text, "is no public address, and the host is the way out", remedy)
        else:
            taken.claim(cell.value, f"{cell.path}, line {cell.line}", cell)
