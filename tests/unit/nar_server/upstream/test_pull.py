"""Pull-through: one fetch for all, right bytes for all, and nothing wrong is ever whole or kept."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import weakref
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from aiohttp import ClientSession, ClientTimeout
from nar_server.bodies import StreamBody
from nar_server.http.sending import ChunkedSender
from nar_server.upstream import client, pull, spool
from nar_server.upstream.client import FetchError
from nar_server.upstream.lookup import OwnThreads
from nar_server.upstream.pull import HELD_BACK
from nar_server.upstream.spooled import SpoolBusyError, SpoolFullError, Writer

from .conftest import PACKERS, FakeUpstream, Pulling, config_of

LARGE = os.urandom(2 * 1024 * 1024)


async def fetch(pulling: Pulling, hash_part: str) -> bytes:
    """What a client would get; FetchError when it would be cut."""
    offer = await pulling.puller.find(pulling.view, hash_part)
    assert offer is not None
    reader = await pulling.puller.open(pulling.view, hash_part)
    assert reader is not None
    got = bytearray()
    try:
        async for data in pulling.puller.tail(reader, offer.info):
            got += data
    except FetchError:
        # A client never has as many bytes as were announced.
        assert len(got) <= max(0, offer.info.nar_size - HELD_BACK)
        raise
    finally:
        reader.close()
    return bytes(got)


async def given_up(pulling: Pulling, hash_part: str) -> None:
    """A NAR does not come."""
    with pytest.raises(FetchError):
        await fetch(pulling, hash_part)
    await pulling.puller.close()


def run(work: Any) -> Any:
    return asyncio.run(asyncio.wait_for(work, 30))


def names(pulling: Pulling, ending: str) -> list[str]:
    return [path.name for path in pulling.puller.spool.folder.glob(f"*{ending}")]


@pytest.mark.parametrize("compression", PACKERS)
@pytest.mark.parametrize("content", [b"", b"small", LARGE])
def test_every_compression(fake: FakeUpstream, make_puller: Any, compression: str, content: bytes) -> None:
    path = fake.add("x", content, compression)
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        assert await fetch(pulling, path.hash_part) == path.nar
        assert await fetch(pulling, path.hash_part) == path.nar
        await pulling.puller.close()

    run(work())
    assert fake.nars() == 1
    assert names(pulling, ".part") == []


def test_an_upstream_that_compresses_for_who_takes_it(fake: FakeUpstream, make_puller: Any) -> None:
    path = fake.add("x", LARGE)
    fake.compresses = True
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        assert await fetch(pulling, path.hash_part) == path.nar
        await pulling.puller.close()

    run(work())


def test_any_number_of_clients_of_several_workers_cost_one_fetch(fake: FakeUpstream, make_puller: Any) -> None:
    path = fake.add("x", LARGE)
    fake.hold = True
    workers = [make_puller(config_of(fake)) for _ in range(3)]

    async def work() -> None:
        early = [asyncio.ensure_future(fetch(worker, path.hash_part)) for worker in workers for _ in range(10)]
        while not fake.half_sent.is_set():
            await asyncio.sleep(0.01)
        late = [asyncio.ensure_future(fetch(worker, path.hash_part)) for worker in workers for _ in range(10)]
        await asyncio.sleep(0.1)
        fake.go_on.set()
        assert all(body == path.nar for body in await asyncio.gather(*early, *late))
        for worker in workers:
            await worker.puller.close()

    run(work())
    assert fake.nars() == 1


def test_clients_get_bytes_while_they_come_but_not_the_last(fake: FakeUpstream, make_puller: Any) -> None:
    path = fake.add("x", LARGE)
    fake.hold = True
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        offer = await pulling.puller.find(pulling.view, path.hash_part)
        reader = await pulling.puller.open(pulling.view, path.hash_part)
        stream = pulling.puller.tail(reader, offer.info)
        got = len(await anext(stream))
        assert 0 < got < len(path.nar) // 2 + 1
        assert not pulling.puller.has(offer)
        fake.go_on.set()
        async for data in stream:
            got += len(data)
        assert got == len(path.nar)
        reader.close()
        await pulling.puller.close()

    run(work())


def test_a_slow_client_of_a_nar_under_way_has_one_piece_in_memory(fake: FakeUpstream, make_puller: Any) -> None:
    class Piece(bytearray):
        """Bytes of which one can tell whether somebody has them."""

    class SlowClient(ChunkedSender):
        def __init__(self) -> None:
            self.pieces: list[weakref.ref[Any]] = []
            self.most = 0

        async def write(self, data: Any) -> None:
            self.pieces.append(weakref.ref(data))
            del data
            await asyncio.sleep(0)
            self.most = max(self.most, sum(piece() is not None for piece in self.pieces))

    async def pieces() -> AsyncIterator[Any]:
        for _ in range(3):
            yield Piece(b"x")

    path = fake.add("x", LARGE)
    pulling = make_puller(config_of(fake))
    client = SlowClient()

    async def work() -> None:
        reader = await pulling.puller.open(pulling.view, path.hash_part)
        assert max([len(data) async for data in pulling.puller.tail(reader, path.info)]) <= 64 * 1024
        reader.close()
        await StreamBody(4, Piece(b"x"), pieces(), lambda: None).send(client)
        await pulling.puller.close()

    run(work())
    assert (len(client.pieces), client.most) == (4, 1)


def test_the_fetch_ends_well_although_all_clients_left(fake: FakeUpstream, make_puller: Any) -> None:
    path = fake.add("x", LARGE)
    fake.hold = True
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        waiting = asyncio.ensure_future(fetch(pulling, path.hash_part))
        while not fake.half_sent.is_set():
            await asyncio.sleep(0.01)
        waiting.cancel()
        fake.go_on.set()
        while not pulling.puller.spool.has(path.info):
            await asyncio.sleep(0.01)
        assert await fetch(pulling, path.hash_part) == path.nar
        await pulling.puller.close()

    run(work())
    assert fake.nars() == 1


def wrong_content(fake: FakeUpstream, target: str) -> None:
    body = bytearray(fake.bodies[target])
    body[len(body) // 2] ^= 1
    fake.bodies[target] = bytes(body)


def longer(fake: FakeUpstream, target: str) -> None:
    fake.bodies[target] += b"more"


def shorter(fake: FakeUpstream, target: str) -> None:
    fake.bodies[target] = fake.bodies[target][:-8]


def truncated(fake: FakeUpstream, target: str) -> None:
    fake.truncate = 8


def gone(fake: FakeUpstream, target: str) -> None:
    del fake.bodies[target]


def empty(fake: FakeUpstream, target: str) -> None:
    fake.bodies[target] = b""


@pytest.mark.parametrize("compression", PACKERS)
@pytest.mark.parametrize("content", [b"small", LARGE])
@pytest.mark.parametrize("harm", [wrong_content, longer, shorter, truncated, gone, empty])
def test_wrong_nars_are_never_whole_and_never_kept(
    fake: FakeUpstream, make_puller: Any, harm: Callable[[FakeUpstream, str], None], content: bytes, compression: str
) -> None:
    path = fake.add("x", content, compression)
    target = f"/cache/nar/x.nar.{compression}"
    good = fake.bodies[target]
    harm(fake, target)
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        with pytest.raises(FetchError):
            await fetch(pulling, path.hash_part)
        assert names(pulling, ".nar") + names(pulling, ".part") == []
        fake.bodies[target], fake.truncate = good, 0
        pulling.puller.upstreams["near"].breaker.succeeded()
        assert await fetch(pulling, path.hash_part) == path.nar
        await pulling.puller.close()

    run(work())


def test_a_stalling_upstream_is_given_up(fake: FakeUpstream, make_puller: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "STALL_SECONDS", 0.2)
    path = fake.add("x", LARGE)
    fake.hold = True
    pulling = make_puller(config_of(fake))

    run(given_up(pulling, path.hash_part))
    assert names(pulling, ".nar") + names(pulling, ".part") == []


def test_how_long_an_upstream_is_waited_for(
    fake: FakeUpstream, make_puller: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fake.add("x")
    pulling = make_puller(config_of(fake))
    asked: list[ClientTimeout] = []
    get = ClientSession.get

    def with_timeout(session: ClientSession, url: str, *, timeout: ClientTimeout, **more: Any) -> Any:
        asked.append(timeout)
        return get(session, url, timeout=timeout, **more)

    monkeypatch.setattr(ClientSession, "get", with_timeout)

    async def work() -> None:
        assert await fetch(pulling, path.hash_part) == path.nar
        await pulling.puller.close()

    run(work())
    # For a narinfo two seconds, for a NAR as many to begin and ten without a byte, however long it is.
    narinfo, nar = asked
    assert narinfo.total == 2
    assert (nar.total, nar.sock_connect, nar.sock_read) == (None, 2, 10)


def test_an_upstream_that_drips_is_given_up(
    fake: FakeUpstream, make_puller: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "DRIP_SECONDS", 0.3)
    path = fake.add("x", LARGE)
    fake.drip = 0.05
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        with pytest.raises(FetchError):
            await fetch(pulling, path.hash_part)
        assert not pulling.puller.upstreams["near"].breaker.healthy
        await pulling.puller.close()

    run(work())


def test_an_upstream_whose_headers_drip_is_given_up(
    fake: FakeUpstream, make_puller: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "STALL_SECONDS", 0.3)
    path = fake.add("x")
    pulling = make_puller(config_of(fake))

    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            writer.write(b"HTTP/1.1 200 OK\r\n")
            for _ in range(200):
                writer.write(b"X: x\r\n")
                await writer.drain()
                await asyncio.sleep(0.02)
        writer.close()

    async def work() -> None:
        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        offer = await pulling.puller.find(pulling.view, path.hash_part)
        moved = replace(offer, url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        with pytest.raises(FetchError, match="it took too long"):
            await anext(pulling.puller.upstreams["near"].nar(pulling.puller._client(), moved))
        await pulling.puller.close()
        server.close()

    run(work())


def test_what_drips_and_is_no_content_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "DRIP_SECONDS", 0.05)

    async def none() -> AsyncIterator[bytes]:
        await asyncio.sleep(20)
        yield b"x"

    async def work() -> None:
        with pytest.raises(TimeoutError):
            async for _chunk in client.fast_enough(none()):
                pass

    run(work())


def test_names_are_looked_up_while_all_threads_of_the_loop_are_busy() -> None:
    go_on = threading.Event()

    async def work() -> None:
        loop, lookup = asyncio.get_running_loop(), OwnThreads()
        busy = [loop.run_in_executor(None, go_on.wait, 20) for _ in range(64)]
        try:
            (found, *_others) = await asyncio.wait_for(lookup.resolve("localhost", 80), 10)
        finally:
            go_on.set()
        assert (found["host"], found["port"]) == ("127.0.0.1", 80)
        await asyncio.gather(*busy)
        await lookup.close()

    run(work())


@pytest.mark.parametrize("host", ["a..b", f"{'a' * 64}.example"])
def test_what_is_no_host_name_is_an_upstream_that_fails(
    fake: FakeUpstream, make_puller: Any, caplog: pytest.LogCaptureFixture, host: str
) -> None:
    pulling = make_puller(replace(config_of(fake), url=f"http://{host}"))

    async def work() -> None:
        assert await pulling.puller.find(pulling.view, "0" * 32) is None
        await pulling.puller.close()

    run(work())
    assert "not a host name" in caplog.text


def test_the_time_that_a_slow_disk_takes_is_not_the_upstreams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "DRIP_SECONDS", 0.05)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x"

    async def work() -> None:
        async for _chunk in client.fast_enough(chunks()):
            await asyncio.sleep(0.1)

    run(work())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_disk_full_cuts_and_keeps_nothing(fake: FakeUpstream, make_puller: Any, number: int) -> None:
    path = fake.add("x", LARGE)
    pulling = make_puller(config_of(fake))
    real, written = os.write, 0

    def write(descriptor: int, data: Any) -> int:
        nonlocal written
        written += len(data)
        if written > len(LARGE) // 2:
            raise OSError(number, os.strerror(number))
        return real(descriptor, data)

    async def work() -> None:
        with mock.patch.object(spool.os, "write", write), pytest.raises(FetchError):
            await fetch(pulling, path.hash_part)
        assert names(pulling, ".nar") + names(pulling, ".part") == []
        assert await fetch(pulling, path.hash_part) == path.nar
        await pulling.puller.close()

    run(work())


def test_room_is_made_by_what_was_used_longest_ago(fake: FakeUpstream, make_puller: Any) -> None:
    paths = [fake.add(name, os.urandom(300_000)) for name in ("a", "b", "c", "d")]
    pulling = make_puller(config_of(fake), size=1_000_000)

    async def work() -> None:
        for path in paths[:3]:
            assert await fetch(pulling, path.hash_part) == path.nar
            await asyncio.sleep(0.02)
        assert await fetch(pulling, paths[0].hash_part) == paths[0].nar
        reading = await pulling.puller.open(pulling.view, paths[1].hash_part)
        os.utime(pulling.puller.spool.folder / f"{paths[1].info.nar_hash_base32}.nar", (1, 1))
        assert await fetch(pulling, paths[3].hash_part) == paths[3].nar
        assert [pulling.puller.spool.has(path.info) for path in paths] == [True, False, True, True]
        # The evicted one was being read: its reader still gets all of it.
        got = [data async for data in pulling.puller.tail(reading, paths[1].info)]
        assert b"".join(got) == paths[1].nar
        reading.close()
        await pulling.puller.close()

    run(work())
    assert pulling.puller.spool.used() <= 1_000_000


@pytest.mark.parametrize("in_time", [False, True])
def test_room_is_kept_for_what_is_being_fetched(
    fake: FakeUpstream, make_puller: Any, monkeypatch: pytest.MonkeyPatch, in_time: bool
) -> None:
    """What finds none waits for it, for a while."""
    monkeypatch.setattr(pull, "ROOM_SECONDS", 20 if in_time else 0.2)
    kept, *large = (fake.add(name, os.urandom(size)) for name, size in (("a", 100_000), ("b", 400_000), ("c", 400_000)))
    late = fake.add("d", os.urandom(400_000))
    pulling = make_puller(config_of(fake), size=1_000_000)
    has = pulling.puller.spool.has

    async def work() -> None:
        await fetch(pulling, kept.hash_part)
        fake.hold = True
        under_way = [asyncio.ensure_future(fetch(pulling, path.hash_part)) for path in large]
        while sum(fake.requests[f"/cache/nar/{path.info.path.name}.nar.none"] for path in large) < len(large):
            await asyncio.sleep(0.01)
        waiting = asyncio.ensure_future(fetch(pulling, late.hash_part))
        await asyncio.sleep(0.5)
        assert waiting.done() != in_time
        fake.go_on.set()
        assert await asyncio.gather(*under_way) == [path.nar for path in large]
        if in_time:
            assert await waiting == late.nar
            assert pulling.puller.spool.used() <= 1_000_000
        else:
            with pytest.raises(FetchError):
                await waiting
            assert [has(path.info) for path in (kept, *large, late)] == [True, True, True, False]
        await pulling.puller.close()

    run(work())


@pytest.mark.parametrize("in_time", [False, True])
def test_a_nar_waits_for_its_turn_for_a_while(
    fake: FakeUpstream, make_puller: Any, monkeypatch: pytest.MonkeyPatch, in_time: bool
) -> None:
    monkeypatch.setattr(client, "NARS_AT_ONCE", 1)
    monkeypatch.setattr(client, "TURN_SECONDS", 20 if in_time else 0.2)
    slow, late = fake.add("a", os.urandom(400_000)), fake.add("b")
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        fake.hold = True
        under_way = asyncio.ensure_future(fetch(pulling, slow.hash_part))
        while not fake.half_sent.is_set():
            await asyncio.sleep(0.01)
        waiting = asyncio.ensure_future(fetch(pulling, late.hash_part))
        await asyncio.sleep(0.5)
        assert waiting.done() != in_time
        fake.go_on.set()
        assert await under_way == slow.nar
        if not in_time:
            with pytest.raises(FetchError):
                await waiting
            assert pulling.puller.upstreams["near"].breaker.healthy
            # It is offered all the same.
            waiting = asyncio.ensure_future(fetch(pulling, late.hash_part))
        assert await waiting == late.nar
        await pulling.puller.close()

    run(work())


@contextlib.asynccontextmanager
async def puller_of(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    fake: FakeUpstream,
    make_puller: Any,
    *,
    asks_once_more: bool = False,
) -> AsyncIterator[Any]:
    """Pulls from a fake whose connections ``answer`` serves.

    ``asks_once_more``: whether aiohttp does so by itself when a connection was closed, as Debian 12's does not.
    """
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    pulling = make_puller(config_of(fake))
    pulling.puller._client()._retry_connection = asks_once_more
    yield pulling
    await pulling.puller.close()
    server.close()


def test_a_connection_that_was_closed_when_it_was_used_again(fake: FakeUpstream, make_puller: Any) -> None:
    paths = [fake.add(name) for name in ("a", "b", "c")]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The first request of a connection; it is closed at the second."""
        target = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(fake.bodies[target]) + fake.bodies[target])
        again.append(await reader.read(1))
        writer.close()

    async def work() -> None:
        async with puller_of(answer, fake, make_puller) as pulling:
            assert [await fetch(pulling, path.hash_part) for path in paths] == [path.nar for path in paths]
            assert b"G" in again
            assert all(upstream.breaker.healthy for upstream in pulling.puller.upstreams.values())

    again: list[bytes] = []
    run(work())


@pytest.mark.parametrize("asks_once_more", [False, True])
def test_an_upstream_that_closed_all_kept_connections(
    fake: FakeUpstream, make_puller: Any, *, asks_once_more: bool
) -> None:
    """As one that was restarted, or whose address moved to another machine."""
    *early, late = (fake.add(str(number)) for number in range(9))
    restarted, all_came, came = [False], asyncio.Event(), []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        old = not restarted[0]
        target = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        if old:
            came.append(target)
            if len(came) == len(early):
                all_came.set()
            await all_came.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(fake.bodies[target]) + fake.bodies[target])
        await reader.read(1)
        writer.transport.abort()

    async def work() -> None:
        async with puller_of(answer, fake, make_puller, asks_once_more=asks_once_more) as pulling:
            await asyncio.gather(*(pulling.puller.find(pulling.view, path.hash_part) for path in early))
            restarted[0] = True
            assert await pulling.puller.find(pulling.view, late.hash_part) is not None
            assert all(upstream.breaker.healthy for upstream in pulling.puller.upstreams.values())

    run(work())


def test_an_upstream_that_closes_fresh_connections_fails_at_once(fake: FakeUpstream, make_puller: Any) -> None:
    path = fake.add("x")
    asked = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    async def work() -> None:
        async with puller_of(answer, fake, make_puller) as pulling:
            assert await pulling.puller.find(pulling.view, path.hash_part) is None
            assert not any(upstream.breaker.healthy for upstream in pulling.puller.upstreams.values())

    run(work())
    assert len(asked) == 1


def test_cookies_are_not_kept(make_puller: Any, fake: FakeUpstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """They would reach other upstreams of the same domain, which may refuse what has become too long."""
    heads = []

    async def resolve(_self: OwnThreads, host: str, port: int, **_family: Any) -> list[dict[str, Any]]:
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 404 N\r\nSet-Cookie: a=b; Domain=example.org; Path=/\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async def work() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        upstreams = [
            replace(config_of(fake, name, stratum), url=f"http://{name}.example.org:{port}")
            for stratum, name in enumerate(("a", "b"))
        ]
        pulling = make_puller(*upstreams)
        assert await pulling.puller.find(pulling.view, fake.add("x").hash_part) is None
        await pulling.puller.close()
        server.close()

    monkeypatch.setattr(OwnThreads, "resolve", resolve)
    run(work())
    assert len(heads) == 2
    assert not any(b"cookie" in head.lower() for head in heads)


def test_packed_data_with_nothing_in_them_are_given_up(fake: FakeUpstream, make_puller: Any) -> None:
    path = fake.add("x", compression="gzip")
    coder = zlib.compressobj(wbits=31)
    # Blocks of nothing, more of them than would be read.
    nothing = coder.compress(b"") + coder.flush(zlib.Z_SYNC_FLUSH) + b"\0\0\0\xff\xff" * 1_000_000
    fake.bodies["/cache/nar/x.nar.gzip"] = nothing + fake.bodies["/cache/nar/x.nar.gzip"][10:]
    pulling = make_puller(config_of(fake))

    run(given_up(pulling, path.hash_part))
    assert pulling.metrics.value("nar_server_pulled_nars_total", upstream="near", outcome="untrusted") == 1


def test_who_waits_for_room_leaves_the_threads_to_what_is_under_way(
    fake: FakeUpstream, make_puller: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look takes as long as the folder is full; all have their room in the end, whatever order the clock gives."""
    first, *late = (fake.add(str(number), os.urandom(700_000)) for number in range(16))
    pulling = make_puller(config_of(fake), size=1_000_000)
    make_room, open_, looking = spool.Spool.make_room, spool.Spool.open, []

    def at_once(self: Any, info: Any) -> Any:
        """As those that come within one tick of the kernel's clock."""
        opened = open_(self, info)
        if isinstance(opened, Writer):
            os.utime(opened._part, (1, 1))
        return opened

    def slowly(self: Any, info: Any) -> None:
        looking.append(info)
        most.append(len(looking))
        time.sleep(0.03)
        try:
            make_room(self, info)
        finally:
            looking.remove(info)

    async def work() -> None:
        fake.hold = True
        under_way = asyncio.ensure_future(fetch(pulling, first.hash_part))
        assert await asyncio.to_thread(fake.half_sent.wait, 10)
        waiting = [asyncio.ensure_future(fetch(pulling, path.hash_part)) for path in late]
        await asyncio.sleep(0.5)
        fake.go_on.set()
        assert await asyncio.gather(under_way, *waiting) == [path.nar for path in (first, *late)]
        await pulling.puller.close()

    most: list[int] = []
    monkeypatch.setattr(spool.Spool, "make_room", slowly)
    monkeypatch.setattr(spool.Spool, "open", at_once)
    run(work())
    assert max(most) == 1


def test_of_those_that_come_at_once_the_first_has_its_room(fake: FakeUpstream, make_puller: Any) -> None:
    paths = [fake.add(name, os.urandom(700_000)) for name in ("a", "b")]
    spool = make_puller(size=1_000_000).puller.spool
    writers = [spool.open(path.info) for path in paths]
    os.utime(spool.folder / f"{paths[0].info.nar_hash_base32}.{paths[0].info.nar_size}.part", (1, 1))
    spool.make_room(paths[0].info)
    with pytest.raises(SpoolFullError):
        spool.make_room(paths[1].info)
    for writer in writers:
        writer.close()


def test_room_that_one_has_is_no_other_ones_whatever_the_clock_says(fake: FakeUpstream, make_puller: Any) -> None:
    paths = [fake.add(name, os.urandom(700_000)) for name in ("a", "b")]
    before, after = sorted(paths, key=lambda path: path.info.nar_hash_base32)
    spool = make_puller(size=1_000_000).puller.spool
    first = spool.open(after.info)
    os.utime(first._part, (1, 1))
    spool.make_room(after.info)
    second = spool.open(before.info)
    os.utime(second._part, (1, 1))
    with pytest.raises(SpoolBusyError):
        spool.make_room(before.info)
    for writer in (first, second):
        writer.close()


def test_what_was_finished_meanwhile_is_counted_once(fake: FakeUpstream, make_puller: Any) -> None:
    first, second = (fake.add(name, os.urandom(size)) for name, size in (("a", 600_000), ("b", 300_000)))
    there = make_puller(size=1_000_000).puller.spool
    writer, other = (there.open(path.info) for path in (first, second))
    writer.write(first.nar)
    whole = there._whole

    def finished_meanwhile() -> Any:
        writer.finish()
        return whole()

    with mock.patch.object(there, "_whole", finished_meanwhile):
        there.make_room(second.info)
    assert there.has(first.info)
    writer.close()
    other.close()


def test_nothing_is_evicted_for_what_the_disk_cannot_hold(fake: FakeUpstream, make_puller: Any) -> None:
    kept, large = fake.add("kept"), fake.add("large", LARGE)
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        await fetch(pulling, kept.hash_part)
        with mock.patch.object(spool.Spool, "_free", return_value=1000), pytest.raises(FetchError):
            await fetch(pulling, large.hash_part)
        assert pulling.puller.spool.has(kept.info)
        await pulling.puller.close()

    run(work())


def test_what_is_evicted_at_once_reaches_those_who_waited_for_it(fake: FakeUpstream, make_puller: Any) -> None:
    path = fake.add("x", LARGE)
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        reading = await pulling.puller.open(pulling.view, path.hash_part)
        await pulling.puller.finish()
        (pulling.puller.spool.folder / f"{path.info.nar_hash_base32}.nar").unlink()
        assert b"".join([data async for data in pulling.puller.tail(reading, path.info)]) == path.nar
        reading.close()
        await pulling.puller.close()

    run(work())


def test_a_writer_that_ends_leaves_the_file_of_the_next_one(fake: FakeUpstream, make_puller: Any) -> None:
    path, pulling = fake.add("x"), make_puller()
    first = pulling.puller.spool.open(path.info)
    first.write(path.nar)
    first.finish()
    (pulling.puller.spool.folder / f"{path.info.nar_hash_base32}.nar").unlink()
    second = pulling.puller.spool.open(path.info)
    first.close()
    second.write(path.nar)
    second.finish()
    second.close()
    assert names(pulling, ".nar") == [f"{path.info.nar_hash_base32}.nar"]


def test_what_fits_into_no_spool_is_not_offered(
    fake: FakeUpstream, make_puller: Any, caplog: pytest.LogCaptureFixture
) -> None:
    path = fake.add("x", LARGE)
    pulling = make_puller(config_of(fake), size=1000)

    async def work() -> None:
        assert await pulling.puller.find(pulling.view, path.hash_part) is None
        assert await pulling.puller.find(pulling.view, path.hash_part) is None
        await pulling.puller.close()

    run(work())
    assert fake.nars() == 0
    assert caplog.messages == [
        f"pull_through.size: upstream near has {path.info.path}, whose NAR of {len(path.nar)} bytes does not fit"
    ]


def test_a_spool_that_was_removed_is_made_again(fake: FakeUpstream, make_puller: Any) -> None:
    path = fake.add("x", LARGE)
    pulling = make_puller(config_of(fake))
    shutil.rmtree(pulling.puller.spool.folder)

    async def work() -> None:
        assert pulling.puller.spool.used() == 0
        assert await fetch(pulling, path.hash_part) == path.nar
        await pulling.puller.close()

    run(work())
    assert pulling.puller.spool.used() == len(path.nar)


def test_a_nar_gets_its_name_when_it_is_on_the_disk(
    fake: FakeUpstream, make_puller: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fake.add("x", LARGE)
    pulling = make_puller(config_of(fake))
    real, synced = os.fsync, []

    def fsync(descriptor: int) -> None:
        synced.append((names(pulling, ".nar"), os.fstat(descriptor).st_size))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)

    async def work() -> None:
        assert await fetch(pulling, path.hash_part) == path.nar
        await pulling.puller.close()

    run(work())
    assert synced == [([], len(path.nar))]
    assert names(pulling, ".nar") == [f"{path.info.nar_hash_base32}.nar"]


KILLED = """
import sys, time
from pathlib import Path
from nar_server.path_info import PathInfo
from nar_server.store_path import StorePath
from nar_server.upstream.spool import Spool
info = PathInfo(StorePath("0" * 32, "x"), bytes.fromhex(sys.argv[2]), int(sys.argv[3]))
writer = Spool(Path(sys.argv[1]), 10**9).open(info)
writer.write(bytes(int(sys.argv[3]) // 2))
print("writing", flush=True)
time.sleep(60)
"""


def test_kill_9_of_a_writer_leaves_nothing_that_is_served(fake: FakeUpstream, make_puller: Any) -> None:
    path = fake.add("x", LARGE)
    pulling = make_puller(config_of(fake))
    library = str(Path(spool.__file__).parents[2])
    arguments = [str(pulling.puller.spool.folder), path.info.nar_hash.hex(), str(path.info.nar_size)]
    writer = subprocess.Popen(
        [sys.executable, "-c", KILLED, *arguments], stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": library}
    )
    assert writer.stdout is not None
    try:
        assert writer.stdout.readline() == b"writing\n"

        async def work() -> None:
            follower = asyncio.ensure_future(fetch(pulling, path.hash_part))
            await asyncio.sleep(0.1)
            assert not follower.done()
            writer.kill()
            writer.wait()
            with pytest.raises(FetchError):
                await follower
            # The next one begins anew, with right bytes.
            assert await fetch(pulling, path.hash_part) == path.nar
            await pulling.puller.close()

        run(work())
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()
    assert fake.nars() == 1


def test_a_kept_narinfo_is_believed_only_as_long_as_its_upstream(
    fake: FakeUpstream, make_upstream: Any, make_puller: Any
) -> None:
    path = fake.add("x")
    other = make_upstream("other-1")

    async def find(pulling: Pulling) -> bool:
        found = await pulling.puller.find(pulling.view, path.hash_part)
        await pulling.puller.close()
        return found is not None

    async def keep(pulling: Pulling) -> None:
        await fetch(pulling, path.hash_part)
        await pulling.puller.finish()
        await pulling.puller.close()

    run(keep(make_puller(config_of(fake))))
    fake.bodies.clear()
    assert run(find(make_puller(config_of(fake)))), "from the spool"
    assert not run(find(make_puller(config_of(other)))), "of another upstream, under the same name"


def test_misses_are_asked_again(fake: FakeUpstream, make_puller: Any) -> None:
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        path_hash = "0" * 32
        for _ in range(2):
            assert await pulling.puller.find(pulling.view, path_hash) is None
        path = fake.add("x")
        assert await pulling.puller.find(pulling.view, path.hash_part) is not None
        await pulling.puller.close()

    run(work())
    assert fake.requests[f"/cache/{'0' * 32}.narinfo"] == 2


def test_a_dead_upstream_costs_one_wait_and_then_nothing(fake: FakeUpstream, make_puller: Any) -> None:
    fake.pause = 20
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        started = time.monotonic()
        for name in ("x", "y", "z"):
            assert await pulling.puller.find(pulling.view, fake.add(name).hash_part) is None
        # Two seconds, once, and what a busy machine adds.
        assert time.monotonic() - started < 3
        await pulling.puller.close()

    run(work())
    assert sum(fake.requests.values()) == 1
    assert not pulling.puller.upstreams["near"].breaker.healthy


def test_narinfos_are_had_while_as_many_nars_come_as_may(fake: FakeUpstream, make_puller: Any) -> None:
    paths = [fake.add(str(number), b"%d" % number) for number in range(65)]
    other = fake.add("other")
    fake.hold = True
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        coming = [asyncio.ensure_future(fetch(pulling, path.hash_part)) for path in paths]
        while fake.nars() < 64:
            await asyncio.sleep(0.01)
        assert await pulling.puller.find(pulling.view, other.hash_part) is not None
        assert fake.nars() == 64
        fake.go_on.set()
        assert await asyncio.gather(*coming) == [path.nar for path in paths]
        await pulling.puller.close()

    run(work())


def test_narinfos_that_wait_for_their_turn_are_no_failures(
    fake: FakeUpstream, make_puller: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "NARINFOS_AT_ONCE", 2)
    monkeypatch.setattr(client, "NARINFO_SECONDS", 1)
    fake.pause = 0.15
    paths = [fake.add(str(number)) for number in range(20)]
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        found = await asyncio.gather(*(pulling.puller.find(pulling.view, path.hash_part) for path in paths))
        assert all(offer is not None for offer in found)
        await pulling.puller.close()

    run(work())
    assert fake.most_at_once == 2


def test_narinfos_that_waited_are_not_asked_of_who_failed_meanwhile(
    fake: FakeUpstream, make_puller: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "NARINFOS_AT_ONCE", 2)
    monkeypatch.setattr(client, "NARINFO_SECONDS", 0.2)
    fake.pause = 1
    paths = [fake.add(str(number)) for number in range(20)]
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        found = await asyncio.gather(*(pulling.puller.find(pulling.view, path.hash_part) for path in paths))
        assert not any(found)
        await pulling.puller.close()

    run(work())
    assert sum(fake.requests.values()) == 2


def test_cleaning_keeps_what_is_whole(fake: FakeUpstream, make_puller: Any) -> None:
    kept, evicted = fake.add("kept", LARGE), fake.add("evicted")
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        for path in (kept, evicted):
            await fetch(pulling, path.hash_part)
        await pulling.puller.finish()
        await pulling.puller.close()

    run(work())
    folder = pulling.puller.spool.folder
    (folder / f"{evicted.info.nar_hash_base32}.nar").unlink()
    (folder / "left.part").write_bytes(b"left by a killed writer")
    (folder / "x.narinfo.123").write_bytes(b"too")
    pulling.puller.spool.clean()
    names = {f"{kept.info.nar_hash_base32}.nar", f"{kept.hash_part}.narinfo"}
    assert {path.name for path in folder.iterdir()} == names


def test_narinfos_of_evicted_nars_do_not_pile_up(
    fake: FakeUpstream, make_puller: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "_MOST_LEFT_OVER", 3)
    paths = [fake.add(f"p{number}", os.urandom(300_000)) for number in range(20)]
    pulling = make_puller(config_of(fake), size=1_000_000)

    async def work() -> None:
        for path in paths:
            assert await fetch(pulling, path.hash_part) == path.nar
            await pulling.puller.finish()
            kept = names(pulling, ".narinfo")
            assert f"{path.hash_part}.narinfo" in kept
            assert len(kept) <= 2 * len(names(pulling, ".nar")) + 4
        await pulling.puller.close()

    run(work())


def test_cleaning_keeps_a_narinfo_whose_hash_is_in_base_16(fake: FakeUpstream, make_puller: Any) -> None:
    path = fake.add("x", NarHash=f"sha256:{fake.add('x').info.nar_hash.hex()}")
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        await fetch(pulling, path.hash_part)
        await pulling.puller.finish()
        await pulling.puller.close()

    run(work())
    pulling.puller.spool.clean()
    assert names(pulling, ".narinfo") == [f"{path.hash_part}.narinfo"]


def test_without_a_descriptor_for_the_reader_nobody_keeps_the_lock(fake: FakeUpstream, make_puller: Any) -> None:
    path = fake.add("x", LARGE)
    pulling = make_puller(config_of(fake))
    real = os.open

    def one_left(file: Any, flags: int, *mode: int) -> int:
        if str(file).endswith(".part") and not flags & os.O_CREAT:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return real(file, flags, *mode)

    async def work() -> None:
        assert await pulling.puller.find(pulling.view, path.hash_part) is not None
        with mock.patch.object(spool.os, "open", one_left), pytest.raises(OSError, match="Too many open files"):
            await pulling.puller.open(pulling.view, path.hash_part)
        assert names(pulling, ".part") == []
        assert await fetch(pulling, path.hash_part) == path.nar
        await pulling.puller.close()

    run(work())


def test_a_lock_is_let_go_although_the_file_stays(fake: FakeUpstream, make_puller: Any) -> None:
    path = fake.add("x")
    pulling = make_puller()
    writer = pulling.puller.spool.open(path.info)
    with (
        mock.patch.object(Path, "unlink", side_effect=OSError(errno.EROFS, os.strerror(errno.EROFS))),
        pytest.raises(OSError, match="Read-only"),
    ):
        writer.close()
    writer = pulling.puller.spool.open(path.info)
    assert isinstance(writer, Writer)
    writer.close()
