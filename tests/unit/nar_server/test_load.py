"""Many clients at once: what they cost together, and that none has to wait for another to end."""

from __future__ import annotations

import ast
import asyncio
import hashlib
import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from nar_server import bodies, endpoints, layout, nar_body
from nar_server.hot_tier import Source
from nar_server.http import Sender
from nar_server.http.sending import SocketSender
from nar_server.layout_index import LayoutIndex
from nar_server.open_files import OpenFiles

from .running import Running

MIB = 2**20
# Of a NAR that is one file: what is before its content, its padding and what is after.
NAR_OF_A_FILE = 112


@pytest.fixture
def running(store: Any, tmp_path: Path) -> Iterator[Running]:
    """A server of its own process over the store."""
    config = tmp_path / "config.toml"
    config.write_text(f'listen = ["127.0.0.1:0"]\nreal_store_dir = "{store.directory}"\n')
    server = Running(config, tmp_path)
    yield server
    server.close()


def add_sparse(store: Any, size: int) -> Any:
    """A path that is one file of ``size`` zeros, a multiple of 8, which takes no room on the disk."""
    path = store.add("sparse", b"")
    os.truncate(path.real, size)
    store.execute("update ValidPaths set narSize = ? where path like '%-sparse'", (size + NAR_OF_A_FILE,))
    return path


def request(target: str, headers: str = "") -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: cache\r\n{headers}\r\n".encode()


@pytest.mark.parametrize(
    ("kind", "count"), [("sparse", 100), ("small", 100), ("small", 600), ("small for badges", 600)]
)
def test_slow_readers_cost_little_memory(store: Any, running: Running, trees: Any, kind: str, count: int) -> None:
    headers = "User-Agent: ESP32 HTTP Client/1\r\n" if "badges" in kind else ""
    path = add_sparse(store, 5 * 1024 * MIB) if kind == "sparse" else store.add("x", trees["small"])
    readers = []
    for _ in range(count):
        readers.append(running.connect())
        readers[-1].sendall(request(path.url, headers))
    for _ in range(10):
        for reader in readers:
            assert reader.recv(65536)
    memory = running.memory()
    for reader in readers:
        reader.close()
    assert memory < 256 * MIB


def imported(module: Path) -> set[str]:
    """What a module imports, wherever it does so."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None and not node.level:
            names.add(node.module)
    return names


def test_files_are_read_and_never_mapped() -> None:
    """Only the memory that workers share is mapped: no file of a store, which may change meanwhile."""
    modules = sorted(Path(nar_body.__file__).parent.rglob("*.py"))
    assert len(modules) > 50
    assert [module.name for module in modules if "mmap" in imported(module)] == ["metrics.py"]


def test_many_first_requests_for_a_path_survey_it_twice_at_most(
    store: Any, serve: Any, trees: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once while it is sent to the first of them, once for all others."""
    path = store.add("x", trees["small"])
    survey = mock.Mock(wraps=nar_body.survey)
    monkeypatch.setattr(nar_body, "survey", survey)
    with serve(store) as server:
        clients = [server.connect() for _ in range(20)]
        for client in clients:
            client.sendall(request(path.url, "Connection: close\r\n"))
        for client in clients:
            with client.makefile("rb") as answer:
                assert answer.read().partition(b"\r\n\r\n")[2] == path.nar
            client.close()
    assert survey.call_count <= 2


@pytest.mark.parametrize("headers", ["", "User-Agent: ESP32 HTTP Client/1.0\r\n"])
def test_what_a_slow_reader_did_not_take_is_read_again(
    store: Any, serve: Any, trees: Any, monkeypatch: pytest.MonkeyPatch, headers: str
) -> None:
    monkeypatch.setattr(nar_body.Buffers, "scarce", property(lambda _self: True))
    path = store.add("x", trees["small"])
    reads: list[object] = []
    read = layout.Run.read
    monkeypatch.setattr(layout.Run, "read", lambda *args, **named: (reads.append(args[0]), read(*args, **named)))
    with serve(store) as server:
        answer = server.ask(path.url, headers=headers, between=lambda: time.sleep(0.5))
        assert (answer.status, answer.body == path.nar) == (200, True)
        part = server.ask(path.url, headers=f"{headers}Range: bytes=1000-9999999\r\n")
        assert part.body == path.nar[1000:10_000_000]
    assert len(reads) > len(set(reads))


class Slow(Sender):
    """Takes what it is given, and notes the largest part: all of it is held until a slow client has it."""

    def __init__(self) -> None:
        self.taken = bytearray()
        self.most = 0

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        self.taken += data
        self.most = max(self.most, len(data))

    async def write_parts(self, parts: Sequence[bytes | bytearray | memoryview]) -> None:
        await self.write(b"".join(parts))

    async def sendfile(self, _descriptor: int, _offset: int, count: int) -> None:
        raise AssertionError(f"{count} bytes of a large file")


def test_a_thousand_slow_badges_hold_little(store: Any, trees: Any) -> None:
    """Those that come when buffers are scarce."""
    path, sender = store.add("x", trees["small"]), Slow()

    async def send() -> None:
        source = Source(os.fsencode(path.real), hashlib.sha256(path.nar).digest(), len(path.nar))
        none_left = nar_body.Buffers(-1)
        body = nar_body.NarBody(source, (0, source.size), LayoutIndex(MIB), none_left, OpenFiles(0))
        await body.send(sender)
        body.close()

    asyncio.run(send())
    assert sender.taken == path.nar
    assert 1000 * sender.most <= 16 * MIB


@pytest.mark.parametrize("kind", ["log", "listing", "directory"])
def test_slow_readers_of_what_is_made_are_few_at_a_time(
    store: Any, serve: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(endpoints, "_TURN_SECONDS", 0.1)
    monkeypatch.setattr(endpoints, "_PATIENCE_SECONDS", 60)
    path = store.add("x", lambda real: real.mkdir())
    log = store.logs / "drvs/00" / f"{'0' * 30}-x.drv"
    log.parent.mkdir(parents=True)
    log.touch()
    os.truncate(log, 64 * MIB)
    # Folders of many names, without the files.
    names = [f"{number}-{'n' * 230}" for number in range(280_000)]
    monkeypatch.setattr(endpoints, "listing", lambda _path: iter(names))
    monkeypatch.setattr(endpoints, "render_directory", lambda _path, _title, **_more: iter(names))
    target = {
        "log": f"/log/{'0' * 32}-x.drv",
        "listing": f"/{path.hash_part}.ls",
        "directory": f"/serve/{path.hash_part}/",
    }[kind]
    under_way, most = set(), 0

    class Counted(bodies.GeneratedBody):
        def __init__(self, *arguments: Any) -> None:
            nonlocal most
            super().__init__(*arguments)
            under_way.add(self)
            most = max(most, len(under_way))

        def close(self) -> None:
            super().close()
            under_way.remove(self)

    monkeypatch.setattr(bodies, "GeneratedBody", Counted)
    with serve(store) as server:
        for _ in range(40):
            server.connect().sendall(request(target))
        answer = server.ask(target)
        assert (answer.status, answer.reset) == (200, False)
        assert len(answer.body) > 60 * MIB
    assert most <= endpoints._PLACES


@pytest.mark.parametrize("kind", ["sparse", "small", "large"])
def test_others_have_their_turn_after_every_4_mib_of_a_nar(
    store: Any, serve: Any, trees: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Which take some milliseconds: so long a narinfo waits for each NAR that is sent."""
    path = add_sparse(store, 64 * MIB) if kind == "sparse" else store.add("x", trees[kind])
    size = 64 * MIB + NAR_OF_A_FILE if kind == "sparse" else len(path.nar)
    sent: list[int] = []

    def turn() -> None:
        sent.append(0)
        asyncio.get_running_loop().call_soon(turn)

    # Nothing is sent, as if to a client that takes all it is given at once.
    def take(count: int) -> int:
        if not sent:
            turn()
        sent[-1] += count
        return count

    def try_send(sender: SocketSender, data: Any, more: bool = False) -> int:
        sender.sent += take(len(data))
        return len(data)

    monkeypatch.setattr(SocketSender, "try_send", try_send)
    monkeypatch.setattr(os, "sendfile", lambda _socket, _file, _offset, count: take(count))
    with serve(store) as server:
        # The first time it is surveyed meanwhile.
        for _ in range(2):
            server.ask(path.url)
    assert sum(sent) >= 2 * size
    assert max(sent) <= 4 * MIB


def test_narinfos_are_answered_while_a_large_nar_streams(store: Any, running: Running) -> None:
    size = 256 * 1024 * MIB
    large, asked = add_sparse(store, size), store.add("x", b"content")
    narinfo = request(f"/{asked.hash_part}.narinfo")
    # One that takes all that comes, and one that takes nothing more.
    stream, stalled = running.connect(), running.connect()
    for each in (stream, stalled):
        each.sendall(request(large.url))
        assert each.recv(12) == b"HTTP/1.1 200"
    taken, started, enough = 0, threading.Event(), threading.Event()

    def take() -> None:
        nonlocal taken
        buffer = bytearray(16 * MIB)
        # MSG_TRUNC: thrown away by the kernel, faster than any server sends.
        while not enough.is_set() and (count := stream.recv_into(buffer, len(buffer), socket.MSG_TRUNC)):
            taken += count
            started.set()

    taker = threading.Thread(target=take)
    taker.start()
    connections = [running.connect() for _ in range(25)]
    try:
        assert started.wait(20)
        for _ in range(40):
            for connection in connections:
                connection.sendall(narinfo)
            for connection in connections:
                assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
        # Whoever has to wait for the stream's end never comes here.
        assert MIB < taken < size
    finally:
        enough.set()
        taker.join()
        for connection in (stream, stalled, *connections):
            connection.close()
