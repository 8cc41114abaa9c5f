# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether something answers at an address: TCP, UDP, ICMP."""

from __future__ import annotations

import errno
import os
import socket
import struct
import time

from .model import Options, Seen

OPEN, REFUSED, NO_ANSWER, UNREACHABLE = "open", "refused", "no answer", "unreachable"
_NO_WAY = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES, errno.EPERM, errno.EHOSTDOWN}
_ECHO_REQUEST, _ECHO_REPLY = 8, 0


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _tcp(address: str, port: int, timeout: float) -> str:
    with socket.create_connection((address, port), timeout):
        return OPEN


def _udp(address: str, port: int, timeout: float) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.settimeout(timeout)
        connection.connect((address, port))
        connection.send(b"\0")
        connection.recv(512)
        return OPEN


def _icmp(address: str, timeout: float) -> str:
    identity, deadline = os.urandom(4), time.monotonic() + timeout
    unsummed = struct.pack("!BBH", _ECHO_REQUEST, 0, 0) + identity
    request = struct.pack("!BBH", _ECHO_REQUEST, 0, checksum(unsummed)) + identity
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as connection:
        connection.connect((address, 0))
        connection.send(request)
        while (left := deadline - time.monotonic()) > 0:
            connection.settimeout(left)
            packet = connection.recv(1500)
            message = packet[(packet[0] & 0xF) * 4 :]
            if message[0] == _ECHO_REPLY and message[4:8] == identity:
                return OPEN
    return NO_ANSWER


def ask(protocol: str, address: str, port: int | None, timeout: float) -> str:
    """What a client meets at ``address``: open, refused, no answer (within ``timeout`` seconds) or unreachable."""
    try:
        if protocol == "icmp":
            return _icmp(address, timeout)
        if port is None:
            raise ValueError(f"{protocol} needs a port")
        return (_tcp if protocol == "tcp" else _udp)(address, port, timeout)
    except TimeoutError:
        return NO_ANSWER
    except ConnectionRefusedError:
        return REFUSED
    except OSError as error:
        if error.errno in _NO_WAY:
            return UNREACHABLE
        raise


def reach(options: Options) -> Seen:
    """Whether a port is C(open), or C(closed): refused, unanswered or unreachable."""
    seen = ask(options["protocol"], options["address"], options["port"], options["timeout"])
    return Seen(seen, (seen == OPEN) == (options["expected"] == ["open"]))
