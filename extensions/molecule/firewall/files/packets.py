# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Send real packets through this host and compare where they arrive with what is expected.

Reads a file of JSON: `neighbours`, network namespaces that are made around this host and removed at the end, each with
a veth pair to an interface of this host; `commands`, run here once they stand; `probes`, in order, each with the
neighbour it starts `from` ("here" is this host), its destination `to`, and what has to be `seen`, for instance
"outside saw 192.0.2.1, answered", "nothing" or "refused". A probe's `before` are commands run just before it.
Prints one line a probe; exit code 1 if one differs.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = "here"
WAIT = 0.4  # seconds for a packet to arrive; between namespaces it takes far less
CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


def run(command: str) -> None:
    """Run a command of words; its errors are shown and end the test."""
    subprocess.run(command.split(), check=True, stdout=subprocess.DEVNULL)


def enter(descriptor: int) -> None:
    """Move this thread into a network namespace; sockets stay in the one they were made in."""
    if _LIBC.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Lab:
    """The namespaces around this host, with a server on every port that is probed, in each of them and here."""

    def __init__(self, neighbours: list[dict[str, Any]], ports: set[tuple[str, int]]) -> None:
        self._own = os.open("/proc/self/ns/net", os.O_RDONLY)
        self._spaces = {HERE: self._own}
        self.servers: dict[socket.socket, str] = {}
        for neighbour in neighbours:
            self._add(neighbour)
        for place in self._spaces:
            for protocol, port in ports:
                self._serve(place, protocol, port)

    def _add(self, neighbour: dict[str, Any]) -> None:
        name, interface = neighbour["name"], neighbour["interface"]
        run(f"ip netns add {name}")
        run(f"ip link add {interface} type veth peer name link0 netns {name}")
        run(f"ip address add {neighbour['router_address']} dev {interface}")
        run(f"ip link set {interface} up mtu {neighbour.get('mtu', 1500)}")
        run(f"ip -n {name} link set lo up")
        run(f"ip -n {name} link set link0 up mtu {neighbour.get('mtu', 1500)}")
        for address in neighbour["addresses"]:
            run(f"ip -n {name} address add {address} dev link0")
        for route in neighbour.get("routes", []):
            run(f"ip -n {name} route add {route}")
        self._spaces[name] = os.open(f"/run/netns/{name}", os.O_RDONLY)

    def open(self, place: str, protocol: str) -> socket.socket:
        """A socket made in the namespace of this name."""
        enter(self._spaces[place])
        try:
            return socket.socket(socket.AF_INET, socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM)
        finally:
            enter(self._own)

    def _serve(self, place: str, protocol: str, port: int) -> None:
        server = self.open(place, protocol)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("0.0.0.0", port))
        if protocol == "tcp":
            server.listen()
        self.servers[server] = place


def answered(client: socket.socket) -> str:
    """What the client sees of an answer."""
    if not select.select([client], [], [], WAIT)[0]:
        return "unanswered"
    client.recv(64)
    return "answered"


def datagram(lab: Lab, client: socket.socket, target: tuple[str, int]) -> str:
    """Where a datagram arrives."""
    text = os.urandom(8)
    try:
        client.connect(target)
        client.send(text)
        deadline = time.monotonic() + WAIT
        while (left := deadline - time.monotonic()) > 0:
            for server in select.select([client, *lab.servers], [], [], left)[0]:
                if server is client:
                    client.recv(64)  # raises what an ICMP error says
                elif server.type == socket.SOCK_DGRAM:
                    received, source = server.recvfrom(64)
                    if received == text:
                        server.sendto(text, source)
                        return f"{lab.servers[server]} saw {source[0]}, {answered(client)}"
    except OSError:
        return "refused"
    return "nothing"


def stream(lab: Lab, client: socket.socket, target: tuple[str, int]) -> str:
    """Where a connection arrives, and the largest segment both ends agreed on."""
    client.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        client.connect(target)
    listeners = [server for server in lab.servers if server.type == socket.SOCK_STREAM]
    ready = select.select(listeners, [], [], WAIT)[0]
    if not ready:
        return "refused" if client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) else "nothing"
    connection, source = ready[0].accept()
    with connection:
        segment = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
    return f"{lab.servers[ready[0]]} saw {source[0]}, segments of {segment}"


def probe(lab: Lab, wanted: dict[str, Any], kept: dict[str, socket.socket]) -> str:
    """Send what a probe says and tell what was seen. `keep` names a socket that later probes `use` again."""
    for command in wanted.get("before", []):
        run(command)
    protocol, target = wanted.get("protocol", "udp"), (wanted["to"], wanted["port"])
    client = kept.get(wanted.get("use", "")) or lab.open(wanted["from"], protocol)
    if "source" in wanted:
        client.bind((wanted["source"], 0))
    seen = datagram(lab, client, target) if protocol == "udp" else stream(lab, client, target)
    if "keep" in wanted:
        kept[wanted["keep"]] = client
    return seen


@contextlib.contextmanager
def cleaned_up(neighbours: list[dict[str, Any]]) -> Iterator[None]:
    """Remove the namespaces, and with them their links, before and after."""
    names = [neighbour["name"] for neighbour in neighbours]

    def remove() -> None:
        for name in names:
            if Path(f"/run/netns/{name}").exists():
                run(f"ip netns delete {name}")

    remove()
    try:
        yield
    finally:
        remove()


def main(path: str) -> int:
    """Run the probes of a file; the number of those that saw something else than expected."""
    test = json.loads(Path(path).read_text(encoding="utf-8"))
    ports = {(item.get("protocol", "udp"), item["port"]) for item in test["probes"]}
    kept: dict[str, socket.socket] = {}
    wrong = 0
    with cleaned_up(test["neighbours"]):
        lab = Lab(test["neighbours"], ports)
        for command in test.get("commands", []):
            run(command)
        for item in test["probes"]:
            seen = probe(lab, item, kept)
            wrong += seen != item["seen"]
            verdict = "ok" if seen == item["seen"] else f"WRONG, expected: {item['seen']}"
            print(f"{item['name']}: {seen} [{verdict}]")
        for server in lab.servers:
            server.close()
    return wrong


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
