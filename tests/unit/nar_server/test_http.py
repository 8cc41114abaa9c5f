"""HTTP itself: order, framing, limits."""

from __future__ import annotations

import asyncio
import gc
import re
import socket
import warnings
from collections.abc import Awaitable
from typing import Any

import pytest
from nar_server.http import Body, HttpServer, Request, Response, Sender, connection, parser
from nar_server.http.parser import BadRequestError
from nar_server.http.server import Timeouts


def read_all(connection: socket.socket) -> bytes:
    data = b""
    while more := connection.recv(65536):
        data += more
    return data


def test_pipelined_requests_are_answered_in_order(store: Any, serve: Any, trees: Any) -> None:
    paths = [store.add("a", trees["small"]), store.add("b", b"tiny"), store.add("c", trees["large"])]
    targets = [target for path in paths for target in (f"/{path.hash_part}.narinfo", path.url)]
    with serve(store) as server:
        connection = server.connect()
        requests = [f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n" for target in targets]
        connection.sendall("".join(requests).encode()[:-2] + b"Connection: close\r\n\r\n")
        data = read_all(connection)
    position = 0
    for path in paths:
        for body in (f"StorePath: /nix/store/{path.base_name}".encode(), path.nar):
            position = data.index(body, position) + len(body)


def test_narinfos_asked_for_in_one_packet_are_answered_in_order(store: Any, serve: Any) -> None:
    paths = [store.add(f"x{number}") for number in range(20)]
    with serve(store) as server:
        connection = server.connect()
        requests = [f"GET /{path.hash_part}.narinfo HTTP/1.1\r\nHost: x\r\n\r\n" for path in paths]
        connection.sendall("".join(requests).encode()[:-2] + b"Connection: close\r\n\r\n")
        data = read_all(connection)
    assert re.findall(rb"StorePath: /nix/store/(\S+)\n", data) == [path.base_name.encode() for path in paths]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /health HTTP/1.1\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET  /health HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400),
        (b"\x16\x03\x01\r\n\r\n", 400),
        (b"GET /" + b"a" * 20_000, 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20_000, 431),
        (b"POST /health HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n", 405),
        (b"GET /health HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n", 200),
    ],
)
def test_what_is_not_clear_ends_the_connection(store: Any, serve: Any, request_: bytes, status: int) -> None:
    with serve(store) as server:
        connection = server.connect()
        connection.sendall(request_)
        data = read_all(connection)
    assert data.startswith(b"HTTP/1.1 %d " % status)
    assert data.count(b"HTTP/1.1 ") == 1


class OpenBody(Body):
    """Tells which bodies are open, and sends only while it is."""

    length = 3

    def __init__(self, opened: list[Body]) -> None:
        self._opened = opened
        opened.append(self)

    async def send(self, sender: Sender) -> None:
        await asyncio.sleep(0)
        assert self._opened == [self]
        await sender.write(b"ok\n")

    def close(self) -> None:
        self._opened.remove(self)


@pytest.mark.parametrize("later", [False, True])
def test_each_body_of_pipelined_answers_is_closed_once_and_before_the_next(later: bool) -> None:
    opened: list[Body] = []

    async def answer() -> Response:
        return Response(200, OpenBody(opened))

    async def work() -> None:
        server = HttpServer(lambda _request: answer() if later else Response(200, OpenBody(opened)))
        listener = socket.create_server(("127.0.0.1", 0))
        server.listen([listener])
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 5)
        for _ in range(5):
            await reader.readuntil(b"ok\n")
        writer.close()
        await server.shutdown(1)

    asyncio.run(asyncio.wait_for(work(), 20))
    assert opened == []


class Wrong(Body):
    """A body that says it has four bytes."""

    length = 4

    def __init__(self, sent: bytes) -> None:
        self._sent = sent

    async def send(self, sender: Sender) -> None:
        await sender.write(self._sent)


@pytest.mark.parametrize("sent", [b"", b"abc", b"abcde"])
def test_a_body_of_another_length_than_it_said_resets_the_connection(sent: bytes) -> None:
    async def work() -> None:
        server = HttpServer(lambda _request: Response(200, Wrong(sent)))
        listener = socket.create_server(("127.0.0.1", 0))
        server.listen([listener])
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
        await server.shutdown(0)

    asyncio.run(asyncio.wait_for(work(), 20))


def test_a_client_may_leave_before_its_answer_has_begun() -> None:
    async def answer() -> Response:
        return Response(200, b"ok\n")

    async def work() -> None:
        def handle(_request: Request) -> Awaitable[Response]:
            # Comes before the first step of the answer.
            asyncio.get_running_loop().call_soon(next(iter(server._connections)).abort)
            return answer()

        server = HttpServer(handle)
        listener = socket.create_server(("127.0.0.1", 0))
        server.listen([listener])
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionError):
            await reader.read()
        await server.shutdown(0)

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        asyncio.run(asyncio.wait_for(work(), 20))
        gc.collect()
    assert [str(warning.message) for warning in told if "never awaited" in str(warning.message)] == []


def test_blanks_in_a_header_cost_no_more_than_other_bytes() -> None:
    """With a million of them, a pattern that tries all ways to share them out would not come to an end."""
    with pytest.raises(BadRequestError, match="malformed header"):
        parser._fields(b"x:" + b" " * 1_000_000 + b"\x01")
    assert parser._fields(b"x: \t a b\t ").headers == {"x": "a b"}


@pytest.mark.parametrize(
    ("target", "host", "rest"),
    [
        ("http://other/nix-cache-info", "other", "/nix-cache-info"),
        ("HTTP://other:80", "other:80", "/"),
        ("https://other/a?b=http://c", "other", "/a?b=http://c"),
        ("/a?b=http://c", "x", "/a?b=http://c"),
        ("http:///a", "x", "http:///a"),
    ],
)
def test_the_host_of_a_target_counts(target: str, host: str, rest: str) -> None:
    one = parser.Parser()
    one.feed(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    head = one.next_head()
    assert head is not None
    assert (head.request.host, head.request.target) == (host, rest)


def test_the_host_of_a_target_needs_no_header_where_none_is_wanted() -> None:
    one = parser.Parser()
    one.feed(b"GET http://other/a HTTP/1.0\r\n\r\n")
    head = one.next_head()
    assert head is not None
    assert (head.request.host, head.request.target) == ("other", "/a")
    one.feed(b"GET http://other/a HTTP/1.1\r\n\r\n")
    with pytest.raises(BadRequestError, match="no Host"):
        one.next_head()


def test_long_heads_are_not_remembered() -> None:
    remembered = parser._remembered_head, parser._remembered_fields
    before = [each.cache_info().currsize for each in remembered]
    for number in range(300):
        one = parser.Parser()
        one.feed(b"GET / HTTP/1.1\r\nHost: x\r\nX-%d: %b\r\n\r\n" % (number, b"x" * 2000))
        head = one.next_head()
        assert head is not None
        assert head.request.headers["host"] == "x"
    assert [each.cache_info().currsize for each in remembered] == before


def test_heads_that_are_remembered_are_told_apart() -> None:
    text = b"GET /%d HTTP/1.%d\r\nHost: %b\r\n%b\r\n"
    values = [(1, 1, b"x", b""), (2, 1, b"x", b""), (1, 0, b"x", b""), (1, 1, b"y", b""), (1, 1, b"x", b"A: b\r\n")]
    heads = []
    for _ in range(2):
        for each in values:
            one = parser.Parser()
            one.feed(text % each)
            heads.append(one.next_head())
    assert heads[: len(values)] == heads[len(values) :]
    assert len({repr(head) for head in heads}) == len(values)


def test_the_limit_of_a_head_is_that_of_each_head() -> None:
    """A client that pipelines always has part of the next request under way."""
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    async def work() -> int:
        server = HttpServer(lambda _request: Response(200, b"ok\n"))
        listener = socket.create_server(("127.0.0.1", 0))
        server.listen([listener])
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(request[:10])
        answers = 0
        while answers < 5:
            writer.write(request[10:] + request[:10])
            if not await reader.readuntil(b"ok\n"):
                break
            answers += 1
            # Half of the limit goes by.
            for each in server._connections:
                each.since -= server._timeouts.head / 2
            server._sweep.cancel()
            server._expire()
        writer.close()
        await server.shutdown(0)
        return answers

    assert asyncio.run(asyncio.wait_for(work(), 20)) == 5


def pipelined(count: int) -> bytes:
    """Requests for "/0", "/1" and so on, of 140 bytes and more; the last one ends the connection."""
    requests = [f"GET /{number} HTTP/1.1\r\nHost: x\r\nX: {'x' * 100}\r\n\r\n" for number in range(count)]
    return "".join(requests).encode()[:-2] + b"Connection: close\r\n\r\n"


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("read_size", [connection._READ_SIZE, 4096])
def test_who_pipelines_leaves_others_their_turn(monkeypatch: pytest.MonkeyPatch, read_size: int, later: bool) -> None:
    monkeypatch.setattr(connection, "_READ_SIZE", read_size)
    calls, most, pending = 0, 0, [0]

    async def after_a_turn(answer: Response) -> Response:
        await asyncio.sleep(0)
        return answer

    def handle(request: Request) -> Response | Awaitable[Response]:
        nonlocal calls
        calls += 1
        answer = Response(200, f"<{request.target}>".encode())
        return after_a_turn(answer) if later else answer

    async def work() -> bytes:
        server = HttpServer(handle)

        def tick(before: int) -> None:
            nonlocal most
            most = max(most, calls - before)
            pending.extend(each._parser.pending for each in server._connections)
            if server._listeners:
                asyncio.get_running_loop().call_soon(tick, calls)

        listener = socket.create_server(("127.0.0.1", 0))
        server.listen([listener])
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        tick(0)
        writer.write(pipelined(4000))
        answers = await reader.read()
        writer.close()
        await server.shutdown(0)
        return answers

    answers = asyncio.run(asyncio.wait_for(work(), 20))
    assert re.findall(rb"</(\d+)>", answers) == [b"%d" % number for number in range(4000)]
    assert 0 < most <= 2 * connection._MOST_JOINED
    assert connection._MAX_PENDING < max(pending) <= 128 * 1024


def test_a_client_that_reads_late_gets_all_that_it_asked_for() -> None:
    """Reading its requests is held back meanwhile."""
    content = bytes(10_000)

    async def work() -> int:
        server = HttpServer(lambda _request: Response(200, content))
        listener = socket.create_server(("127.0.0.1", 0))
        server.listen([listener])
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(pipelined(4000))
        while not any(each.phase is connection.Phase.SENDING and not each._reading for each in server._connections):
            await asyncio.sleep(0.001)
        answers = await reader.read()
        writer.close()
        await server.shutdown(0)
        return answers.count(content)

    assert asyncio.run(asyncio.wait_for(work(), 20)) == 4000


def test_what_follows_the_last_request_takes_nothing_from_its_answer() -> None:
    content = bytes(16 * 2**20)

    async def work() -> int:
        server = HttpServer(lambda _request: Response(200, content), Timeouts(linger=0))
        listener = socket.create_server(("127.0.0.1", 0))
        server.listen([listener])
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + b"x" * 300_000)
        writer.write_eof()
        await reader.readuntil(b"\r\n\r\n")
        received = 0
        while any(each.busy for each in server._connections):
            received += len(await reader.read(2**16))
        # What is left of the answer is in the kernel, and would be lost with a reset.
        while server.connections:
            await asyncio.sleep(0.01)
        received += len(await reader.read())
        writer.close()
        await server.shutdown(0)
        return received

    assert asyncio.run(asyncio.wait_for(work(), 20)) == len(content)


@pytest.mark.parametrize("taken_by_another", [False, True])
def test_a_process_with_many_connections_leaves_a_new_one_to_others(taken_by_another: bool) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    taken: list[socket.socket] = []

    told: list[int] = []

    class Share:
        def tell(self, connections: int) -> None:
            told.append(connections)

        def large(self) -> bool:
            if taken_by_another and not taken:
                taken.append(listener.accept()[0])
            return True

    async def work() -> None:
        server = HttpServer(lambda _request: Response(200, b"ok\n"), share=Share())
        server.listen([listener])
        first = socket.create_connection(listener.getsockname())
        while taken_by_another and not taken:
            await asyncio.sleep(0.001)
        # Nobody takes this one: in the end it is served here.
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await reader.readuntil(b"ok\n")
        writer.close()
        first.close()
        await server.shutdown(0)

    asyncio.run(asyncio.wait_for(work(), 20))
    listener.close()
    for each in taken:
        each.close()
    assert max(told) == (1 if taken_by_another else 2)
    assert told[-1] == 0
