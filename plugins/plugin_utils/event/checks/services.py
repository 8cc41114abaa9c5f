# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Caches and published names: each is served by somebody, under names that are nobody else's."""

from __future__ import annotations

from ..document import Cell, Document
from ..mistakes import Mistakes
from ..schema import OVERLAY
from .addresses import named
from .hosts import meets


def check(document: Document) -> None:
    """Caches, then the names published from them."""
    root, mistakes = document.root, document.mistakes
    hosts = dict(named(root, "hosts"))
    served: dict[str, Cell] = {}
    keys: dict[str, Cell] = {}
    for _unused, cache in named(root, "caches"):
        _cache(cache, hosts, mistakes)
        _once(
            None if cache.get("url") else cache.get("host"),
            served,
            "serves another cache already",
            "a host serves one cache",
            mistakes,
        )
        _once(cache.get("key"), keys, "is the key of another cache", "give each cache its own key", mistakes)
    _priorities(root, mistakes)
    _idle_caches(root, hosts, served, mistakes)
    names = _host_names(root)
    caches = dict(named(root, "caches"))
    for name, publication in named(root, "publish"):
        if name in names:
            problem = f"is the name of host {names[name].path} of line {names[name].line}"
            mistakes.add(publication.line, publication.path, name, problem, "publish another name")
        elif misplaced := _misplaced(name, root):
            mistakes.add(publication.line, publication.path, name, misplaced, "publish another name")
        _publication(publication, caches, mistakes)


def _once(cell: Cell | None, seen: dict[str, Cell], problem: str, remedy: str, mistakes: Mistakes) -> None:
    if cell is None or not isinstance(cell.value, str):
        return
    first = seen.setdefault(cell.value.partition(":")[0], cell)
    if first is not cell:
        mistakes.add(cell.line, cell.path, cell.text, f"{problem}, {first.path} of line {first.line}", remedy)


def _cache(cache: Cell, hosts: dict[str, Cell], mistakes: Mistakes) -> None:
    if not isinstance(cache.value, dict):
        return
    host, url, key = cache.get("host"), cache.get("url"), cache.get("key")
    if host and url:
        mistakes.add(
            cache.line, cache.path, "", "has both a host and a url", 'keep "host" for your own, "url" for others'
        )
        return
    if not host and not url:
        if all(name in ("priority", "key") for name, _unused in cache.items()):
            remedy = 'add "host: HOST" for your own, "url: URL" for one elsewhere'
            mistakes.add(cache.line, cache.path, "", "is nowhere", remedy)
        return
    if key is not None and isinstance(key.value, str):
        if url and ":" not in key.value:
            problem = "is a name without the public key"
            mistakes.add(key.line, key.path, key.text, problem, "write NAME:BASE64 as the cache publishes it")
        if host and ":" in key.value:
            remedy = f"write the name alone, {key.value.partition(':')[0]}; the key is made on first use"
            mistakes.add(key.line, key.path, key.text, "is the public key of a cache elsewhere", remedy)
    if host is not None and isinstance(host.value, str):
        classes = hosts[host.value].texts("class")
        if classes and "cache" not in classes:
            remedy = f"add cache to hosts.{host.value}.class"
            mistakes.add(host.line, host.path, host.text, f"is not of class cache but {', '.join(classes)}", remedy)
        elif not _has_address(hosts[host.value]) and "router" not in classes:
            remedy = "give it an address on a network of the site"
            mistakes.add(host.line, host.path, host.text, "has no fixed address on a network", remedy)


def _has_address(host: Cell) -> bool:
    """Whether it has an address on a network; also when it is nowhere, which checks/hosts.py reports."""
    lans = meets(host, "network")
    return any(lan.get("address") for lan in lans) or not (lans or meets(host, "uplink"))


def _idle_caches(root: Cell, hosts: dict[str, Cell], served: dict[str, Cell], mistakes: Mistakes) -> None:
    """Hosts of class cache that serve none, unless a cache's host is wrong and may have meant them."""
    caches = root.get("caches")
    unclear = caches is not None and any(
        (cell.get("host") is not None and cell.read("host", str) is None) or not (cell.get("host") or cell.get("url"))
        for _unused, cell in caches.items()
    )
    for name, host in () if unclear else hosts.items():
        if "cache" in host.texts("class") and name not in served:
            cell = host.get("class") or host
            remedy = f'add one under caches with "host: {name}", or remove the class'
            mistakes.add(cell.line, cell.path, "", f"{name} is of class cache, but no cache is on it", remedy)


def _host_names(root: Cell) -> dict[str, Cell]:
    domain = root.read("domain", str)
    found: dict[str, Cell] = {}
    for name, host in named(root, "hosts") if domain else ():
        places = [OVERLAY, *(str(interface.read("network", str)) for interface in meets(host, "network"))]
        found |= {f"{name}.{place}.{domain}": host for place in places}
    return found


def _misplaced(name: str, root: Cell) -> str | None:
    """What is wrong with publishing a name where other names live, or that is none."""
    domain = root.read("domain", str)
    if name.replace(".", "").isdigit():
        return "is an address"
    if name == domain:
        return "is the domain of all hosts"
    if name.endswith(".in-addr.arpa"):
        return "is in a reverse zone"
    for network in (OVERLAY, *(network for network, _unused in named(root, "networks"))):
        zone = f"{network}.{domain}"
        if name == zone or name.endswith(f".{zone}"):
            return f"is in {zone}, where hosts and clients get their names"
    return None


def _priorities(root: Cell, mistakes: Mistakes) -> None:
    """Clients ask caches in the order of their priorities, so no two may be the same."""
    seen: dict[int, Cell] = {}
    for _unused, cache in named(root, "caches"):
        cell = cache.get("priority")
        if cell is None or not isinstance(cell.value, int):
            continue
        first = seen.setdefault(cell.value, cell)
        if first is not cell:
            problem = f"is the priority of another cache, {first.path} of line {first.line}"
            mistakes.add(cell.line, cell.path, cell.text, problem, "give each cache its own priority")


def _publication(publication: Cell, caches: dict[str, Cell], mistakes: Mistakes) -> None:
    for cell in publication.each("caches"):
        cache = caches.get(cell.value) if isinstance(cell.value, str) else None
        if cache is not None and cache.get("url") and not cache.get("host"):
            remedy = "name caches on hosts of the event; clients ask that one themselves"
            mistakes.add(cell.line, cell.path, cell.text, "is served by nobody here: it is a cache elsewhere", remedy)
