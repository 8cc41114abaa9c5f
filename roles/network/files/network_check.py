# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare what the kernel holds with /etc/nixvegas/network.json.

Without an option: print a line for each address, route, rule or membership that is missing, and fail if there are any.
With --repair: let systemd-networkd set the interfaces concerned again.
With --guard: fail if an address that SSH connections come in by would go.
"""

from __future__ import annotations

import ipaddress
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

EXPECTATIONS = Path("/etc/nixvegas/network.json")
LEASES = Path("/run/systemd/netif/leases")
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
INTERFACE_SYSCTLS = Path("/proc/sys/net/ipv4/conf")
REDIRECTS = ("accept_redirects", "send_redirects")
MAIN_TABLE = 254
# Numbers of the kernel (linux/rtnetlink.h), as `ip -N` prints them; it leaves out that of unicast.
ROUTE_TYPES = {"unicast": "1", "blackhole": "6"}

Item = dict[str, Any]


def link_complaints(interface: Item, links: dict[str, Item]) -> Iterator[str]:
    """Yield what is wrong with a device and its members."""
    name = interface["name"]
    if name not in links and interface["kind"] in ("bond", "bridge", "vlan"):
        yield f"{interface['kind']} {name} is missing"
    for member in interface.get("members", []):
        if member in links and links[member].get("master") != name:
            yield f"{member} is not part of {name}"


def address_complaints(interface: Item, addresses: list[Item]) -> Iterator[str]:
    """Yield the addresses that are missing."""
    present = {f"{address['local']}/{address['prefixlen']}" for address in addresses}
    for address in interface.get("addresses", []):
        if address not in present:
            yield f"address {address} is missing on {interface['name']}"


def route_complaints(interface: Item, router: str | None, routes: list[Item]) -> Iterator[str]:
    """Yield the routes that are missing. C(router) is learnt by DHCP; without it, routes through it are not due yet."""
    expected = list(interface.get("routes", []))
    if interface.get("dhcp") and router:
        expected.append({"destination": "0.0.0.0/0", "gateway": "dhcp", "metric": interface.get("metric")})
    for route in expected:
        if route.get("gateway") == "dhcp" and not router:
            continue
        gateway = router if route.get("gateway") == "dhcp" else route.get("gateway")
        if not any(_is_route(found, route, gateway, interface["name"]) for found in routes):
            metric = f" metric {route['metric']}" if route.get("metric") else ""
            yield (
                f"route {route['destination']} in table {route.get('table') or MAIN_TABLE}{metric} "
                f"is missing on {interface['name']}"
            )


def rule_complaints(interface: Item, rules: list[Item]) -> Iterator[str]:
    """Yield the rules that are missing."""
    for rule in interface.get("rules", []):
        if not any(_is_rule(found, rule) for found in rules):
            words = [f"{key.replace('_', ' ')} {value}" for key, value in rule.items() if value and key != "priority"]
            yield f"rule {rule['priority']} ({', '.join(words)}) is missing"


def redirect_complaints(folder: Path) -> Iterator[str]:
    """Yield the interfaces, `all` and `default` that accept or send ICMP redirects; C(folder) has a folder for each."""
    for interface in sorted(folder.iterdir()):
        for name in REDIRECTS:
            try:
                value = (interface / name).read_text(encoding="ascii").strip()
            except OSError:
                continue  # a device that has just gone
            if value != "0":
                yield f"net/ipv4/conf/{interface.name}/{name} is not 0"


def complaints(
    expected: Item, links: dict[str, Item], routers: dict[str, str], routes: list[Item], rules: list[Item]
) -> dict[str, list[str]]:
    """Return what is missing, by interface. C(routers) are those learnt by DHCP, by interface.

    Nothing is asked of a device that is not there (unless we make it), nor of a tunnel or a card that asks by DHCP
    while there is nothing at the other end.
    """
    found: dict[str, list[str]] = {}
    for interface in expected["interfaces"]:
        missing = list(link_complaints(interface, links))
        link = links.get(interface["name"])
        if link is not None:
            waits = interface.get("dhcp") or interface["kind"] == "tunnel"
            unplugged = waits and link.get("operstate") in ("DOWN", "LOWERLAYERDOWN")
            if not unplugged:
                missing += address_complaints(interface, link.get("addr_info", []))
                missing += route_complaints(interface, routers.get(interface["name"]), routes)
                missing += rule_complaints(interface, rules)
        if missing:
            found[interface["name"]] = missing
    return found


def endangered(expected: Item, links: dict[str, Item], connected: set[str]) -> Iterator[str]:
    """Yield why an address with SSH connections would go: its interface will neither have it nor learn it."""
    for interface in expected["interfaces"]:
        present = {address["local"] for address in links.get(interface["name"], {}).get("addr_info", [])}
        kept = {address.split("/")[0] for address in interface.get("addresses", [])}
        if interface["kind"] in ("loopback", "tunnel") or interface.get("dhcp"):
            continue
        for address in sorted(connected & present - kept):
            yield (
                f"SSH connections come in by {address} on {interface['name']}, which would lose this address; "
                "connect another way (the console, another interface) to make this change"
            )


def _is_route(found: Item, route: Item, gateway: str | None, device: str) -> bool:
    if found.get("type", ROUTE_TYPES["unicast"]) != ROUTE_TYPES[route.get("type") or "unicast"]:
        return False
    if _network(found["dst"]) != _network(route["destination"]):
        return False
    if int(found.get("table", MAIN_TABLE)) != (route.get("table") or MAIN_TABLE):
        return False
    if route.get("metric") and found.get("metric") != route["metric"]:
        return False
    return route.get("type") == "blackhole" or (found.get("dev") == device and found.get("gateway") == gateway)


def _is_rule(found: Item, rule: Item) -> bool:
    return (
        found["priority"] == rule["priority"]
        and int(found.get("table", 0)) == rule["table"]
        and _selector(found, "src") == _network(rule.get("from") or "all")
        and _selector(found, "dst") == _network(rule.get("to") or "all")
        and found.get("iif") == rule.get("incoming_interface")
    )


def _selector(found: Item, key: str) -> ipaddress.IPv4Network:
    return _network(f"{found[key]}/{found[f'{key}len']}" if f"{key}len" in found else found.get(key, "all"))


def _network(text: str) -> ipaddress.IPv4Network:
    return ipaddress.IPv4Network("0.0.0.0/0" if text in ("all", "default") else text, strict=False)


def _ip(*words: str) -> list[Item]:
    text = subprocess.run(["ip", "-j", "-N", "-4", *words], capture_output=True, text=True, check=True).stdout
    items: list[Item] = json.loads(text or "[]")
    return [item for item in items if item]


def _links() -> dict[str, Item]:
    """Return all links by name; those without an address too, which `ip -4 address` leaves out."""
    text = subprocess.run(["ip", "-j", "address"], capture_output=True, text=True, check=True).stdout
    return {link["ifname"]: link for link in json.loads(text)}


def _routers(links: dict[str, Item]) -> dict[str, str]:
    """Return the first router of each lease, by interface; systemd-networkd names leases by the interface's number."""
    routers = {}
    for name, link in links.items():
        path = LEASES / str(link["ifindex"])
        lease = (
            dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line) if path.exists() else {}
        )
        if lease.get("ROUTER"):
            routers[name] = lease["ROUTER"].split()[0]
    return routers


def _ssh_addresses() -> set[str]:
    command = ["ss", "--no-header", "--tcp", "--numeric", "state", "established", "sport = :22"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return {line.split()[2].rpartition(":")[0].strip("[]").removeprefix("::ffff:") for line in lines}


def main(arguments: list[str]) -> int:
    """Do what the option says; return the exit status."""
    expected = json.loads(EXPECTATIONS.read_text(encoding="utf-8"))
    links = _links()
    if arguments == ["--guard"]:
        lines = list(endangered(expected, links, _ssh_addresses()))
    else:
        found = complaints(expected, links, _routers(links), _ip("route", "show", "table", "all"), _ip("rule"))
        lines = [line for missing in found.values() for line in missing]
        if arguments == ["--repair"]:
            for name in found:
                if name in links:
                    subprocess.run(["networkctl", "reconfigure", name], check=True)
            return 0
        if (FORWARDING.read_text(encoding="ascii").strip() == "1") is not expected["ip_forward"]:
            lines.append(f"net.ipv4.ip_forward is not {int(expected['ip_forward'])}")
        lines += redirect_complaints(INTERFACE_SYSCTLS)
    print("\n".join(lines))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
