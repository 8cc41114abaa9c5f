"""Requests that no client makes, to a real server: each ends in an answer or a closed connection, never in a 5xx."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .bounds import many
from .running import Running

# For an answer, however loaded the machine is: a hang is longer.
PATIENCE = 30
HASH = "0" * 32
STATUS = re.compile(rb"^HTTP/1\.1 ([0-9]{3}) ", re.MULTILINE)

targets = st.sampled_from(
    [
        "/",
        "/nix-cache-info",
        f"/{HASH}.narinfo",
        f"/{HASH}.narinfo?json",
        f"/{HASH}.ls",
        f"/serve/{HASH}/",
        f"/serve/{HASH}/%2e%2e/%00//./..",
        f"/nar/{'0' * 52}.nar?hash={HASH}",
        f"/nar/{HASH}-{'0' * 52}.nar",
        f"/log/{HASH}-x.drv",
        f"/build-trace-v2/{HASH}-x.drv/out.doi",
        f"/realisations/sha256:{'0' * 64}!out.doi",
        "/health",
        "/metrics",
        "/version",
        "/stats",
        "//",
        "/?",
        "*",
        "http://other/health",
        "https://",
    ]
) | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)
methods = st.sampled_from(["GET", "HEAD", "get", "POST", "PUT", "OPTIONS", "CONNECT", "PRI", "\x00"])
versions = st.sampled_from(["HTTP/1.1", "HTTP/1.0", "HTTP/1.9", "HTTP/2.0", "HTTP/1.1 ", ""])
headers = st.sampled_from(
    [
        "Host: cache",
        "Host:",
        "Host: [::1",
        "host: " + "x" * 300,
        "Connection: close",
        "Connection: keep-alive, close, upgrade",
        "Content-Length: 0",
        "Content-Length: 3",
        "Content-Length: -1",
        "Content-Length: 99999999999999999999999",
        "Content-Length: ²",
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: x",
        "Range: bytes=0-0",
        "Range: bytes=-",
        "Range: bytes=99999999999999999999-",
        "Range: bytes=5-1,-3",
        "Range: \x7f",
        "If-Range: x",
        "If-None-Match: *",
        "If-Modified-Since: Thu, 99 Foo 9999 99:99:99 GMT",
        "Accept-Encoding: zstd;q=0.0001, *;q=x, ;;;",
        "Accept-Encoding: zstd, identity;q=0",
        "Expect: 100-continue",
        "User-Agent: badge",
        "Accept: text/html;q=nan",
        "X: " + "y" * 9000,
        "X:y:z",
        " folded",
        ":",
        "",
    ]
)
requests = st.builds(
    lambda method, target, version, lines: "\r\n".join([f"{method} {target} {version}", *lines, "", ""]).encode(),
    methods,
    targets,
    versions,
    st.lists(headers, max_size=5),
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Requests of which a few bytes were replaced, left out or doubled."""
    data = bytearray(draw(requests))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        data[start : start + draw(st.integers(0, 5))] = draw(st.binary(max_size=5) | st.just(bytes(data[start:])))
    return bytes(data)


streams = st.one_of(st.binary(max_size=300), mutated(), st.lists(requests | mutated(), max_size=8).map(b"".join))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that must still be well after all of this."""
    from .conftest import Store  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("fuzz")
    store = Store(folder)
    store.add("x", b"content" * 1000, hash_part=HASH)
    config = folder / "config.toml"
    config.write_text(f'listen = ["127.0.0.1:0"]\nreal_store_dir = "{store.directory}"\n')
    running = Running(config, folder)
    yield running
    assert running.get("/health") == b"ok\n"
    log = running.rest_of_log()
    running.close()
    assert "no answer to" not in log
    assert "Traceback" not in log


def connect(server: Running) -> socket.socket:
    host, _, port = server.address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE)


def read_to_end(connection: socket.socket) -> bytes:
    """All that comes; TimeoutError, which fails the test, when the server neither answers nor closes."""
    data = b""
    with contextlib.suppress(ConnectionError):
        while more := connection.recv(65536):
            data += more
    return data


@settings(max_examples=many(250), deadline=None, suppress_health_check=list(HealthCheck))
@given(stream=streams, cuts=st.lists(st.integers(0, 400), max_size=3), leave=st.booleans())
def test_streams_of_bytes(server: Running, stream: bytes, cuts: list[int], leave: bool) -> None:
    with connect(server) as connection:
        with contextlib.suppress(ConnectionError):
            start = 0
            for cut in [*sorted(cuts), len(stream)]:
                connection.sendall(stream[start:cut])
                start = max(start, cut)
            if leave:
                # Gone with a reset, whatever is under way.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            connection.shutdown(socket.SHUT_WR)
        statuses = [int(status) for status in STATUS.findall(read_to_end(connection))]
    assert all(status < 500 for status in statuses)
    assert server.process.poll() is None


@settings(max_examples=many(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    method=st.sampled_from(["GET", "HEAD"]),
    target=targets,
    lines=st.lists(headers.filter(lambda line: re.match(r"(Range|If|Accept|User|X: )", line)), max_size=4),
)
def test_a_well_formed_request_leaves_the_connection_usable(
    server: Running, method: str, target: str, lines: list[str]
) -> None:
    request = "\r\n".join([f"{method} {target} HTTP/1.1", "Host: cache", *lines, "", ""]).encode("latin-1", "replace")
    last = b"GET /health HTTP/1.1\r\nHost: cache\r\nConnection: close\r\n\r\n"
    with connect(server) as connection:
        connection.sendall(request + last)
        data = read_to_end(connection)
    statuses = [int(status) for status in STATUS.findall(data)]
    assert all(status < 500 for status in statuses)
    # What is refused as malformed ends the connection; all else is answered, and so is the request behind it.
    assert statuses[0] in (400, 414, 431) or data.endswith(b"\r\n\r\nok\n")


def drip(server: Running, data: bytes, seconds: float) -> Callable[[], bytes]:
    """Begin to send a byte now and then; call what is returned for what came back."""
    connection = connect(server)
    connection.settimeout(0.01)
    end = time.monotonic() + seconds
    position = 0

    def go_on() -> bytes:
        nonlocal position
        with connection:
            while time.monotonic() < end:
                with contextlib.suppress(TimeoutError):
                    return connection.recv(65536)
                connection.send(data[position : position + 1])
                position += 1
            raise AssertionError("the server waits for ever")

    return go_on


def test_heads_that_never_end(server: Running) -> None:
    ends = [drip(server, b"GET / HTTP/1.1\r\nHost: cache\r\nX: " + b"y" * 100_000, 60) for _ in range(30)]
    started = [server.get("/nix-cache-info") for _ in range(20)]
    assert len(set(started)) == 1
    # The first byte counts, not the last: dripping does not keep a connection.
    for end in ends[:2]:
        with contextlib.suppress(ConnectionError):
            end()
    assert server.get("/health") == b"ok\n"


@pytest.mark.parametrize("start", [b"GET /" + b"a" * 3000, b"GET / HTTP/1.1\r\nHost: cache\r\n", b"\r\n"])
def test_huge_heads_are_not_kept(server: Running, start: bytes) -> None:
    with connect(server) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(start)
            for _ in range(400):
                connection.sendall(b"X: " + b"y" * 65_000)
        statuses = [int(status) for status in STATUS.findall(read_to_end(connection))]
    assert statuses in ([], [400], [414], [431])
    assert server.memory() < 256 * 2**20


def test_answers_that_nobody_reads_are_bounded(server: Running) -> None:
    narinfo = f"GET /{HASH}.narinfo HTTP/1.1\r\nHost: cache\r\n\r\n".encode()
    connections = []
    for _ in range(10):
        connection = connect(server)
        connections.append(connection)
        connection.settimeout(0.5)
        # Until the server takes no more: it does not keep answers for whoever does not take them.
        with contextlib.suppress(TimeoutError):
            for _ in range(400):
                connection.sendall(narinfo * 1000)
            raise AssertionError("the server takes requests without end")
    assert server.memory() < 256 * 2**20
    assert server.get("/health") == b"ok\n"
    for connection in connections:
        connection.close()
