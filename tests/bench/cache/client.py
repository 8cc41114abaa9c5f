"""A client that measures: it checks lengths, and throws bodies away.

    python client.py curl PORT CONNECTIONS FILE      all NARs of FILE (lines: address, size) with curl, seconds
    python client.py sockets PORT CONNECTIONS FILE   the same over plain sockets, which takes less of the processor
    python client.py narinfos PORT CONNECTIONS FILE  30,000 requests for the addresses of FILE, seconds for each

Runs as a process of its own, so that it does not share an interpreter with a server.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections import deque
from itertools import cycle, islice
from pathlib import Path

_BUFFER = 256 * 1024
_REQUESTS = 30_000


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=120)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _request(url: str) -> bytes:
    return f"GET {url} HTTP/1.1\r\nHost: cache\r\nUser-Agent: curl/8 Nix/2.26\r\nAccept: */*\r\n\r\n".encode()


def _fetch(connection: socket.socket, url: str, size: int, buffer: memoryview) -> None:
    connection.sendall(_request(url))
    have = 0
    end = -1
    while end < 0:
        count = connection.recv_into(buffer[have:])
        if count == 0:
            raise ConnectionError(f"cut before the head of {url}")
        have += count
        end = bytes(buffer[:have]).find(b"\r\n\r\n")
    head = bytes(buffer[:end]).lower()
    if not head.startswith(b"http/1.1 200") or b"content-length: %d" % size not in head:
        raise ValueError(f"{url}: {head!r}")
    remaining = size - (have - end - 4)
    while remaining:
        count = connection.recv_into(buffer[: min(remaining, _BUFFER)])
        if count == 0:
            raise ConnectionError(f"cut in the middle of {url}")
        remaining -= count


def sockets(port: int, connections: int, wanted: list[tuple[str, int]]) -> float:
    """Seconds to fetch all NARs, each connection taking the next when it is done."""
    queue = deque(wanted)
    failures: list[Exception] = []

    def work() -> None:
        buffer = memoryview(bytearray(_BUFFER))
        try:
            with _connect(port) as connection:
                while queue:
                    try:
                        url, size = queue.popleft()
                    except IndexError:
                        return
                    _fetch(connection, url, size, buffer)
        except (OSError, ValueError) as problem:
            failures.append(problem)

    threads = [threading.Thread(target=work) for _ in range(connections)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    if failures:
        raise failures[0]
    return seconds


def curl(port: int, connections: int, wanted: list[tuple[str, int]]) -> float:
    """Seconds to fetch all NARs as Nix does: its library for that is curl's."""
    entries = (f'url = "http://127.0.0.1:{port}{url}"\noutput = "/dev/null"\n' for url, _size in wanted)
    parallel = ["--parallel", "--parallel-max", str(connections)] if connections > 1 else []
    command = ["curl", "--silent", "--show-error", "--fail", "--write-out", "%{size_download}\\n", *parallel, "-K", "-"]
    started = time.perf_counter()
    done = subprocess.run(command, input="".join(entries), check=True, stdout=subprocess.PIPE, text=True)
    seconds = time.perf_counter() - started
    if sorted(map(int, done.stdout.split())) != sorted(size for _url, size in wanted):
        raise ValueError("not what was asked for")
    return seconds


def narinfos(port: int, connections: int, urls: list[str]) -> float:
    """Seconds for one narinfo, on average, with one request under way on each connection."""
    opened = [_connect(port) for _ in range(connections)]
    requests = list(islice(cycle([_request(url) for url in urls]), _REQUESTS))
    started = time.perf_counter()
    for start in range(0, len(requests), connections):
        some = list(zip(opened, requests[start : start + connections], strict=False))
        for connection, request in some:
            connection.sendall(request)
        for connection, _sent in some:
            data = connection.recv(65536)
            while b"\r\n\r\n" not in data or not data.endswith(b"\n"):
                data += connection.recv(65536)
            if not data.startswith(b"HTTP/1.1 200"):
                raise ValueError(data[:100])
    seconds = time.perf_counter() - started
    for connection in opened:
        connection.close()
    return seconds / len(requests)


def main() -> None:
    """Run one measurement and print its seconds."""
    kind, port, connections, file = sys.argv[1:]
    lines = [line.split() for line in Path(file).read_text().splitlines()]
    if kind == "narinfos":
        print(narinfos(int(port), int(connections), [line[0] for line in lines]))
    else:
        fetch = curl if kind == "curl" else sockets
        print(fetch(int(port), int(connections), [(url, int(size)) for url, size in lines]))


if __name__ == "__main__":
    main()
