"""A DHCP client that may claim to be anybody.

dhcp_client.py INTERFACE MAC [HOSTNAME [release]] takes a lease and prints it as JSON; with C(release) it gives it back.
"""

from __future__ import annotations

import json
import socket
import struct
import sys

DISCOVER, REQUEST, RELEASE = 1, 3, 7
NO_ADDRESS = bytes(4)
MAGIC = bytes.fromhex("63825363")
BROADCAST_FLAG = 0x8000
HOSTNAME, REQUESTED_ADDRESS, MESSAGE_TYPE, SERVER, WANTED = 12, 50, 53, 54, 55
ADDRESSES = {3: "routers", 6: "resolvers", 42: "ntp_servers"}
TEXTS = {12: "hostname", 15: "domain"}
TRANSACTION = 0x4E564741
END = 255


def option(code: int, value: bytes) -> bytes:
    """One option as it is sent."""
    return bytes([code, len(value)]) + value


def message(mac: bytes, options: bytes, address: bytes = NO_ADDRESS) -> bytes:
    """A request of a client that has C(address)."""
    head = struct.pack("!BBBBIHH", 1, 1, 6, 0, TRANSACTION, 0, BROADCAST_FLAG)
    return head + address + bytes(12) + mac + bytes(10 + 192) + MAGIC + options + bytes([END])


def answer(link: socket.socket) -> tuple[bytes, dict[int, bytes]]:
    """The offered address and the options."""
    data = link.recv(2048)
    position, options = 240, {}
    while data[position] != END:
        code, length = data[position], data[position + 1]
        options[code] = data[position + 2 : position + 2 + length]
        position += 2 + length
    return data[16:20], options


def addresses(value: bytes) -> list[str]:
    """A list of addresses."""
    return [socket.inet_ntoa(value[start : start + 4]) for start in range(0, len(value), 4)]


def main(interface: str, mac: str, hostname: str = "", then: str = "") -> None:
    """Take a lease and print it; give it back if C(then) says so."""
    own = option(WANTED, bytes([*ADDRESSES, *TEXTS])) + (option(HOSTNAME, hostname.encode()) if hostname else b"")
    hardware = bytes.fromhex(mac.replace(":", ""))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        link.bind(("0.0.0.0", 68))
        link.settimeout(10)
        link.sendto(message(hardware, option(MESSAGE_TYPE, bytes([DISCOVER])) + own), ("255.255.255.255", 67))
        address, offer = answer(link)
        wish = option(REQUESTED_ADDRESS, address) + option(SERVER, offer[SERVER])
        link.sendto(message(hardware, option(MESSAGE_TYPE, bytes([REQUEST])) + wish + own), ("255.255.255.255", 67))
        address, lease = answer(link)
        if then == "release":
            release = option(MESSAGE_TYPE, bytes([RELEASE])) + option(SERVER, lease[SERVER])
            link.sendto(message(hardware, release, address), ("255.255.255.255", 67))
    found = {name: addresses(lease[code]) for code, name in ADDRESSES.items() if code in lease}
    found |= {name: lease[code].decode() for code, name in TEXTS.items() if code in lease}
    print(json.dumps({"address": socket.inet_ntoa(address), **found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
