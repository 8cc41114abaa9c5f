"""The server when the store or its database fails it: never a wrong byte that passes for whole."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MIB = 2**20


def refused(answer: Any) -> None:
    assert answer.status == 503
    assert answer.headers["retry-after"] == "5"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.body == b"the store cannot be read just now\n"


def test_locked_database(store: Any, serve: Any) -> None:
    path = store.add("x")
    with serve(store) as server:
        with contextlib.closing(sqlite3.connect(store.database, isolation_level=None)) as writer:
            writer.execute("pragma locking_mode = exclusive")
            writer.execute("begin exclusive")
            started = time.monotonic()
            refused(server.ask(f"/{path.hash_part}.narinfo"))
            assert time.monotonic() - started < 2
            assert server.ask("/nix-cache-info").status == 200
            refused(server.ask(path.url))
            refused(server.ask("/health"))
        assert server.ask(f"/{path.hash_part}.narinfo").status == 200


def with_a_file(real: Path) -> None:
    real.mkdir()
    (real / "file").write_bytes(b"content")


@pytest.mark.parametrize(
    ("ask", "kind"),
    [
        (".narinfo", "narinfo"),
        (".narinfo?json", "narinfo_json"),
        (".ls", "listing"),
        ("/file", "serve"),
        ("landing", "landing"),
        ("log", "log"),
    ],
)
def test_a_short_lock_is_waited_for(store: Any, serve: Any, ask: str, kind: str) -> None:
    """And what is asked meanwhile counts as one request."""
    path = store.add("x", with_a_file, deriver=f"/nix/store/{'0' * 32}-x.drv")
    log = store.logs / "drvs/00" / f"{'0' * 30}-x.drv"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"built\n")
    targets = {"/file": f"/serve/{path.hash_part}/file", "landing": "/", "log": f"/log/{path.base_name}"}
    locked = threading.Event()

    def lock() -> None:
        with contextlib.closing(sqlite3.connect(store.database, isolation_level=None)) as writer:
            writer.execute("pragma locking_mode = exclusive")
            writer.execute("begin exclusive")
            locked.set()
            time.sleep(0.03)

    with serve(store) as server:
        writer = threading.Thread(target=lock)
        writer.start()
        assert locked.wait(5)
        assert server.ask(targets.get(ask, f"/{path.hash_part}{ask}")).status == 200
        writer.join()
        assert f'nar_server_requests_total{{view="main",kind="{kind}"}} 1\n' in server.ask("/metrics").body.decode()


@pytest.mark.parametrize("make", ["small", "large"])
def test_file_systems_that_cannot_read_without_waiting(
    store: Any, serve: Any, trees: Any, make: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as overlayfs: preadv2(2) says EOPNOTSUPP there."""
    path, read, asked = store.add("x", trees[make]), os.preadv, []

    def preadv(descriptor: int, buffers: Any, offset: int, flags: int = 0) -> int:
        if flags & os.RWF_NOWAIT:
            asked.append(descriptor)
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        return read(descriptor, buffers, offset, flags)

    monkeypatch.setattr(os, "preadv", preadv)
    with serve(store) as server:
        # The first time, all is read by a thread, which may wait.
        answers = [server.ask(path.url) for _ in range(2)]
    assert [(answer.status, answer.body == path.nar) for answer in answers] == [(200, True)] * 2
    assert asked


@pytest.mark.parametrize("ask", ["nar", "file"])
def test_what_is_on_the_disk_is_read_by_a_thread(
    store: Any, serve: Any, monkeypatch: pytest.MonkeyPatch, ask: str
) -> None:
    """Sending it at once would make all other clients of the worker wait."""
    content = os.urandom(5 * 2**20 + 1)
    path, read, fetched = store.add("x", content), os.preadv, 0

    def preadv(descriptor: int, buffers: Any, offset: int, flags: int = 0) -> int:
        nonlocal fetched
        if flags & os.RWF_NOWAIT:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        count = read(descriptor, buffers, offset, flags)
        fetched += count
        return count

    monkeypatch.setattr(os, "preadv", preadv)
    with serve(store) as server:
        answer = server.ask(path.url if ask == "nar" else f"/serve/{path.hash_part}")
    assert answer.status == 200
    assert answer.body == (path.nar if ask == "nar" else content)
    assert fetched >= len(content)


def test_database_gone_and_back(store: Any, serve: Any, tmp_path: Path) -> None:
    path = store.add("x")
    with serve(store) as server:
        assert server.ask("/health").status == 200
        store.database.rename(tmp_path / "aside")
        refused(server.ask(f"/{path.hash_part}.narinfo"))
        refused(server.ask("/health"))
        (tmp_path / "aside").rename(store.database)
        assert server.ask(f"/{path.hash_part}.narinfo").status == 200


def test_without_the_database_nothing_of_the_store_is_answered(store: Any, serve: Any) -> None:
    """Not even that it is not there."""
    path = store.add("x")
    derivation = f"{'1' * 32}-x.drv"
    with serve(store) as server:
        store.database.unlink()
        for target in (
            f"/{path.hash_part}.narinfo",
            f"/{path.hash_part}.narinfo?json",
            f"/{path.hash_part}.ls",
            f"/serve/{path.hash_part}",
            f"/serve/{path.hash_part}/",
            path.url,
            f"/nar/{path.hash_part}-{path.nar_hash}.nar",
            f"/log/{path.base_name}",
            f"/build-trace-v2/{derivation}/out.doi",
            f"/realisations/sha256:{'ab' * 32}!out.doi",
            "/stats.json",
            "/",
        ):
            refused(server.ask(target))


def truncate(path: Path) -> None:
    os.truncate(path, 10)


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def remove(path: Path) -> None:
    path.unlink()


def replace_by_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("damage", [truncate, grow, remove, replace_by_fifo])
@pytest.mark.parametrize("victim", ["large/4", "large/4 known", "large/5", "small/199", "small/199 known"])
def test_damage_while_sending_cuts_the_connection(
    store: Any, serve: Any, trees: Any, victim: str, damage: Callable[[Path], None]
) -> None:
    tree, _, name = victim.removesuffix(" known").partition("/")
    path = store.add("x", trees[tree])
    with serve(store) as server:
        if victim.endswith("known"):
            # Its layout is: it is not walked again.
            assert server.ask(path.url).body == path.nar
        answer = server.ask(path.url, between=lambda: damage(path.real / name))
        assert answer.status == 200
        assert not answer.whole
        assert len(answer.body) < len(path.nar)
        assert server.ask("/health").status == 200


@pytest.mark.parametrize("known", [False, True])
def test_a_large_file_that_loses_its_end_while_it_is_sent_cuts_the_connection(
    store: Any, serve: Any, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    path, sendfile = store.add("x", bytes(8 * MIB)), os.sendfile

    def send(*arguments: int) -> int:
        # It is open, and its size was right.
        sent = sendfile(*arguments)
        os.truncate(path.real, 4 * MIB)
        return sent

    with serve(store) as server:
        if known:
            assert server.ask(path.url).body == path.nar
        monkeypatch.setattr(os, "sendfile", send)
        answer = server.ask(path.url)
        assert (answer.status, answer.whole, answer.reset) == (200, False, True)
        assert server.ask("/health").status == 200


@pytest.mark.parametrize("make", ["large", b"tiny"])
@pytest.mark.parametrize("difference", [-8, 8])
def test_a_nar_of_another_size_than_registered_is_cut(
    store: Any, serve: Any, trees: Any, make: str | bytes, difference: int
) -> None:
    path = store.add("x", trees.get(make, make) if isinstance(make, str) else make)
    store.execute("update ValidPaths set narSize = narSize + ?", (difference,))
    with serve(store) as server:
        answer = server.ask(path.url)
        assert answer.status in (0, 200)
        # A client that stops at the announced length must miss something.
        assert len(answer.body) < len(path.nar) + difference


@pytest.mark.parametrize("make", ["large", "small", b"tiny"])
@pytest.mark.parametrize("difference", [-8, 8])
def test_a_range_of_a_nar_of_another_size_than_registered_is_cut(
    store: Any, serve: Any, trees: Any, make: str | bytes, difference: int
) -> None:
    path = store.add("x", trees.get(make, make) if isinstance(make, str) else make)
    store.execute("update ValidPaths set narSize = narSize + ?", (difference,))
    with serve(store) as server:
        for _ in range(2):
            answer = server.ask(path.url, headers="Range: bytes=0-9\r\n")
            assert answer.status in (0, 206)
            assert not answer.whole


def test_damage_before_the_request_is_cut_too(store: Any, serve: Any) -> None:
    path = store.add("x", b"tiny")
    path.real.write_bytes(b"other content")
    with serve(store) as server:
        answer = server.ask(path.url)
        # Cut before the head left: a proxy in front asks its next cache.
        assert (answer.status, answer.body, answer.reset) == (0, b"", True)


def test_a_client_that_leaves_disturbs_nobody(
    store: Any, serve: Any, trees: Any, caplog: pytest.LogCaptureFixture
) -> None:
    path = store.add("x", trees["large"])
    with serve(store) as server:
        for _ in range(3):
            connection = server.connect()
            connection.sendall(f"GET {path.url} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            connection.recv(100)
            connection.close()
        assert server.ask(path.url).body == path.nar
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
