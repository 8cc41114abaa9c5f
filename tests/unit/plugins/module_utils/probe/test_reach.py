"""Ports, met for real on the loopback interface."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterator

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.probe import reach


@pytest.fixture
def listener() -> Iterator[int]:
    """The port of a listening socket."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def idle() -> int:
    """A port nobody listens on."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


def test_open(listener: int) -> None:
    """An accepted connection."""
    assert reach.ask("tcp", "127.0.0.1", listener, 1) == "open"


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_refused(protocol: str, idle: int) -> None:
    """A refused one."""
    assert reach.ask(protocol, "127.0.0.1", idle, 1) == "refused"


def test_no_answer_by_udp() -> None:
    """A datagram nobody answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        assert reach.ask("udp", "127.0.0.1", silent.getsockname()[1], 0.05) == "no answer"


@pytest.mark.parametrize(
    ("number", "seen"),
    [(errno.EHOSTUNREACH, "unreachable"), (errno.EPERM, "unreachable"), (errno.ENETUNREACH, "unreachable")],
)
def test_unreachable(monkeypatch: pytest.MonkeyPatch, number: int, seen: str) -> None:
    """What the kernel says at once."""

    def connect(*_: object) -> None:
        raise OSError(number, "")

    monkeypatch.setattr(socket, "create_connection", connect)
    assert reach.ask("tcp", "192.0.2.1", 1, 1) == seen


def test_other_errors_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client out of sockets has proven nothing."""

    def connect(*_: object) -> None:
        raise OSError(errno.EMFILE, "")

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(OSError, match=str(errno.EMFILE)):
        reach.ask("tcp", "192.0.2.1", 1, 1)


@pytest.mark.parametrize(
    ("seen", "expected", "right"),
    [
        ("open", "open", True),
        ("open", "closed", False),
        ("refused", "closed", True),
        ("no answer", "closed", True),
        ("unreachable", "closed", True),
        ("refused", "open", False),
    ],
)
def test_judgement(monkeypatch: pytest.MonkeyPatch, seen: str, expected: str, right: bool) -> None:
    """Closed is anything but open."""
    monkeypatch.setattr(reach, "ask", lambda *_: seen)
    options = {"protocol": "tcp", "address": "192.0.2.1", "port": 1, "timeout": 1, "expected": [expected]}
    assert reach.reach(options).ok is right


def test_checksum() -> None:
    """A message with its checksum sums up to zero."""
    message = struct.pack("!BBH", 8, 0, 0) + b"odd"
    total = reach.checksum(message)
    assert reach.checksum(struct.pack("!BBH", 8, 0, total) + b"odd") == 0
