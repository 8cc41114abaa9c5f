"""The server over the wire: whatever happens, never a wrong byte under a good status."""

from __future__ import annotations

import contextlib
import http.client
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from nar_server import app, nar
from nar_server.policy import Mode

A, B, C = ("a" * 32, "b" * 32, "c" * 32)
LARGE = 4 * 1024 * 1024


def large_files(path: Path) -> None:
    """More than the sockets' buffers hold, sent by the kernel, then something small."""
    path.mkdir()
    for name in ("1", "2", "3", "4"):
        (path / name).write_bytes(name.encode() * LARGE)
    (path / "5").write_bytes(b"small")


def small_files(path: Path) -> None:
    """As much in small files."""
    path.mkdir()
    for number in range(200):
        (path / f"{number:03}").write_bytes(b"%d" % (number % 10) * 80_000)


def test_cache_info_and_health(store: Any, serve: Any) -> None:
    with serve(store) as server:
        info = server.ask("/nix-cache-info")
        assert (info.status, info.body) == (200, b"StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 10\n")
        assert info.headers["content-type"].startswith("text/x-nix-cache-info")
        assert server.ask("/health").body == b"ok\n"


def test_narinfo_and_both_addresses_of_a_nar(store: Any, serve: Any) -> None:
    path = store.add("x", large_files)
    with serve(store) as server:
        narinfo = server.ask(f"/{path.hash_part}.narinfo")
        assert narinfo.status == 200
        assert narinfo.headers["content-type"].startswith("text/x-nix-narinfo")
        lines = dict(line.split(": ", 1) for line in narinfo.body.decode().splitlines())
        assert "/" + lines["URL"] == path.url
        assert int(lines["NarSize"]) == len(path.nar)
        for url in (path.url, f"/nar/{path.hash_part}-{path.nar_hash}.nar"):
            answer = server.ask(url)
            assert (answer.status, answer.body == path.nar) == (200, True)
            assert answer.headers["content-length"] == str(len(path.nar))
            assert len(answer.headers) <= 8


@pytest.mark.parametrize("make", [small_files, large_files, b"", b"tiny"])
def test_head_is_get_without_body_and_walk(store: Any, serve: Any, make: Any) -> None:
    path = store.add("x", make)
    with serve(store) as server:
        for target in ("/nix-cache-info", "/health", f"/{path.hash_part}.narinfo", path.url, "/absent"):
            got = server.ask(target)
            with mock.patch.object(app, "batches", side_effect=AssertionError("walked")):
                head = server.ask(target, "HEAD")
            assert head.body == b""
            assert (head.status, head.headers | {"date": ""}) == (got.status, got.headers | {"date": ""})


def test_misses_are_404_and_not_kept(store: Any, serve: Any) -> None:
    path = store.add("x", hash_part=B)
    gone = store.add("gone", hash_part=C)
    os.unlink(gone.real)  # noqa: PTH108
    other = path.nar_hash[:-1] + ("0" if path.nar_hash[-1] != "0" else "1")
    with serve(store) as server:
        for target in (
            f"/{A}.narinfo",
            f"/nar/{other}.nar?hash={B}",
            f"/nar/{path.nar_hash}.nar?hash={A}",
            f"/nar/{A}-{path.nar_hash}.nar",
            f"/{C}.narinfo",
            gone.url,
            "/",
            f"/nar/{path.nar_hash}.nar",
        ):
            for method in ("GET", "HEAD"):
                answer = server.ask(target, method)
                assert answer.status == 404, target
                assert answer.headers["cache-control"] == "no-store"
                assert answer.body == (b"not found\n" if method == "GET" else b"")


@pytest.mark.parametrize(
    "target", ["/" + A[:-1], "/" + A + "0", "/" + A.upper(), "/e" + A[1:], "/%61" + A[1:], "/..", "/../" + A, "//" + A]
)
def test_what_is_no_hash_reaches_no_database(store: Any, serve: Any, target: str) -> None:
    store.add("x", hash_part=A)
    with serve(store) as server, mock.patch.object(server.database, "_select", side_effect=AssertionError("asked")):
        assert server.ask(f"{target}.narinfo").status == 404


@pytest.mark.parametrize("columns", [{"narSize": 0}, {"narSize": None}, {"hash": "sha256:x"}])
def test_malformed_rows_are_404(store: Any, serve: Any, columns: dict[str, object]) -> None:
    path = store.add("x", **columns)
    with serve(store) as server:
        assert server.ask(f"/{path.hash_part}.narinfo").status == 404
        assert server.ask(path.url).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods(store: Any, serve: Any, method: str) -> None:
    with serve(store) as server:
        answer = server.ask("/nix-cache-info", method)
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


def test_hidden_paths(store: Any, serve: Any) -> None:
    path = store.add("x")
    with serve(store, Mode.HIDE) as server:
        assert server.ask(f"/{path.hash_part}.narinfo").status == 404
        assert server.ask(path.url).status == 404
        store.execute("update ValidPaths set ultimate = 1")
        assert server.ask(f"/{path.hash_part}.narinfo").status == 200
        assert server.ask(path.url).body == path.nar


def test_a_withheld_signature_is_logged_once(store: Any, serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    path = store.add("x")
    with serve(store) as server:
        for _ in range(3):
            assert b"Sig" not in server.ask(f"/{path.hash_part}.narinfo").body
    assert [record.getMessage() for record in caplog.records if record.name == "nar_server"] == [
        f"nothing vouches for {path.base_name}: not signed (1 such paths)"
    ]


def test_paths_come_and_go(store: Any, serve: Any) -> None:
    with serve(store) as server:
        assert server.ask(f"/{A}.narinfo").status == 404
        path = store.add("x", hash_part=A)
        assert server.ask(f"/{A}.narinfo").status == 200
        assert server.ask(path.url).body == path.nar
        store.execute("delete from ValidPaths")
        assert server.ask(f"/{A}.narinfo").status == 404
        assert server.ask(path.url).status == 404


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


def test_a_short_lock_is_waited_for(store: Any, serve: Any) -> None:
    path = store.add("x")
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
        assert server.ask(f"/{path.hash_part}.narinfo").status == 200
        writer.join()


def test_database_gone_and_back(store: Any, serve: Any, tmp_path: Path) -> None:
    path = store.add("x")
    with serve(store) as server:
        assert server.ask("/health").status == 200
        store.database.rename(tmp_path / "aside")
        refused(server.ask(f"/{path.hash_part}.narinfo"))
        refused(server.ask("/health"))
        (tmp_path / "aside").rename(store.database)
        assert server.ask(f"/{path.hash_part}.narinfo").status == 200


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
@pytest.mark.parametrize(("make", "victim"), [(large_files, "4"), (large_files, "5"), (small_files, "199")])
def test_damage_while_sending_cuts_the_connection(
    store: Any, serve: Any, make: Any, victim: str, damage: Callable[[Path], None]
) -> None:
    path = store.add("x", make)
    with serve(store) as server:
        answer = server.ask(path.url, between=lambda: damage(path.real / victim))
        assert answer.status == 200
        assert not answer.whole
        assert len(answer.body) < len(path.nar)
        assert server.ask("/health").status == 200


@pytest.mark.parametrize("difference", [-8, 8, -LARGE])
def test_a_nar_of_another_size_than_registered_is_cut(store: Any, serve: Any, difference: int) -> None:
    path = store.add("x", large_files)
    store.execute("update ValidPaths set narSize = narSize + ?", (difference,))
    with serve(store) as server:
        answer = server.ask(path.url)
        assert (answer.status, answer.whole) == (200, False)


def test_damage_before_the_request_is_cut_too(store: Any, serve: Any) -> None:
    path = store.add("x", b"tiny")
    path.real.write_bytes(b"other content")
    with serve(store) as server:
        answer = server.ask(path.url)
        assert (answer.whole, answer.body) == (False, b"")


def test_a_client_that_leaves_disturbs_nobody(store: Any, serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    path = store.add("x", large_files)
    with serve(store) as server:
        for _ in range(3):
            connection = server.connect()
            connection.sendall(f"GET {path.url} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            connection.recv(100)
            connection.close()
        assert server.ask(path.url).body == path.nar
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_one_connection_serves_a_thousand_narinfos_and_nars_between(store: Any, serve: Any) -> None:
    path = store.add("x", b"content" * 50_000)
    with serve(store) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection.connect()
        first = connection.sock
        for number in range(1000):
            connection.request("GET", path.url if number % 100 == 0 else f"/{path.hash_part}.narinfo")
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200
            assert number % 100 or body == path.nar
        assert connection.sock is first
        connection.close()


def test_errors_show_no_paths(store: Any, serve: Any, tmp_path: Path) -> None:
    path = store.add("x", b"tiny")
    with serve(store) as server:
        answers = [server.ask(target) for target in ("/", "/" + "x" * 10_000, f"/{A}.narinfo")]
        answers.append(server.ask("/health", "BREW"))
        store.database.unlink()
        answers.append(server.ask(f"/{path.hash_part}.narinfo"))
    for answer in answers:
        assert answer.status >= 400
        assert str(tmp_path).encode() not in answer.body
        assert b"Traceback" not in answer.body


def test_small_files_are_joined(store: Any, serve: Any) -> None:
    path = store.add("x", small_files)
    with serve(store) as server, mock.patch.object(app, "open_file", wraps=nar.open_file) as opened:
        assert server.ask(path.url).body == path.nar
        assert opened.call_count == 0
