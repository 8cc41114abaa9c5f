"""The server over the wire: what is asked for, and what is not there."""

from __future__ import annotations

import http.client
import os
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from nar_server import layout, listing, nar_body
from nar_server.app import NarServer
from nar_server.config import parse_config
from nar_server.http import Request, Response
from nar_server.policy import Mode
from nar_server.views import Views

A, B, C = ("a" * 32, "b" * 32, "c" * 32)
LARGE = 4 * 1024 * 1024


def test_cache_info_and_health(store: Any, serve: Any) -> None:
    with serve(store) as server:
        info = server.ask("/nix-cache-info")
        assert (info.status, info.body) == (200, b"StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 10\n")
        assert info.headers["content-type"].startswith("text/x-nix-cache-info")
        assert server.ask("/health").body == b"ok\n"


def test_cache_info_is_of_the_store_and_the_priority_that_are_configured() -> None:
    views = Views.of(parse_config('store_dir = "/opt/store"\npriority = 7\n'))
    answer = NarServer(views, mock.Mock()).handle(Request("GET", "/nix-cache-info", {}))
    assert isinstance(answer, Response)
    assert answer.body == b"StoreDir: /opt/store\nWantMassQuery: 1\nPriority: 7\n"


def test_narinfo_and_both_addresses_of_a_nar(store: Any, serve: Any, trees: Any) -> None:
    path = store.add("x", trees["large"])
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


@pytest.mark.parametrize("make", ["small", "large", b"", b"tiny"])
def test_head_is_get_without_body_and_walk(store: Any, serve: Any, trees: Any, make: str | bytes) -> None:
    path = store.add("x", trees.get(make, make))
    with serve(store) as server:
        for target in ("/nix-cache-info", "/health", f"/{path.hash_part}.narinfo", path.url, "/absent"):
            got = server.ask(target)
            walked = AssertionError("walked")
            with (
                mock.patch.object(nar_body, "open_folder", side_effect=walked),
                mock.patch.object(os, "listdir", side_effect=walked),
                mock.patch.object(os, "scandir", side_effect=walked),
            ):
                head = server.ask(target, "HEAD")
            assert head.body == b""
            assert (head.status, head.headers | {"date": ""}) == (got.status, got.headers | {"date": ""})


def test_head_of_what_is_made_from_a_path_is_get_without_a_walk(store: Any, serve: Any, trees: Any) -> None:
    path = store.add("x", trees["small"])
    with serve(store) as server:
        for target in (f"/{path.hash_part}.ls", f"/{path.hash_part}.narinfo?json", f"/serve/{path.hash_part}/001"):
            got = server.ask(target)
            with mock.patch.object(listing.os, "listdir", side_effect=AssertionError("walked")):
                head = server.ask(target, "HEAD")
            assert (got.status, head.body) == (200, b"")
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
            "/absent",
            f"/nar/{path.nar_hash}.nar",
        ):
            for method in ("GET", "HEAD"):
                answer = server.ask(target, method)
                assert answer.status == 404, target
                assert answer.headers["cache-control"] == "no-store"
                assert answer.body == (b"not found\n" if method == "GET" else b"")


def test_a_link_to_nowhere_is_a_path_like_others(store: Any, serve: Any) -> None:
    path = store.add("x", lambda real: real.symlink_to("/nowhere"))
    with serve(store) as server:
        assert server.ask(f"/{path.hash_part}.narinfo").status == 200
        answer = server.ask(path.url)
        assert (answer.status, answer.body) == (200, path.nar)


@pytest.mark.parametrize(
    "target", ["/" + A[:-1], "/" + A + "0", "/" + A.upper(), "/e" + A[1:], "/%61" + A[1:], "/..", "/../" + A, "//" + A]
)
def test_what_is_no_hash_reaches_no_database(store: Any, serve: Any, target: str) -> None:
    store.add("x", hash_part=A)
    with serve(store) as server, mock.patch.object(server.database, "select", side_effect=AssertionError("asked")):
        assert server.ask(f"{target}.narinfo").status == 404


def test_what_is_no_hash_reaches_no_database_at_any_address(store: Any, serve: Any) -> None:
    store.add("x", hash_part=A)
    nar_hash = "0" * 52
    with serve(store) as server, mock.patch.object(server.database, "select", side_effect=AssertionError("asked")):
        for wrong in (A[:-1], A + "0", A.upper(), "e" + A[1:], "%61" + A[1:], "..", ""):
            for target in (
                f"/{wrong}.narinfo",
                f"/{wrong}.narinfo?json",
                f"/{wrong}.ls",
                f"/serve/{wrong}",
                f"/serve/{wrong}/",
                f"/nar/{nar_hash}.nar?hash={wrong}",
                f"/nar/{wrong}-{nar_hash}.nar",
                f"/log/{wrong}-x.drv",
                f"/build-trace-v2/{wrong}-x.drv/out.doi",
                f"/realisations/sha256:{wrong}!out.doi",
            ):
                assert server.ask(target).status == 404, target


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


@pytest.mark.parametrize(("mode", "outcome"), [(Mode.VOUCHED, "not signed"), (Mode.HIDE, "hidden")])
def test_a_withheld_signature_is_logged_and_counted_once(
    store: Any, serve: Any, caplog: pytest.LogCaptureFixture, mode: Mode, outcome: str
) -> None:
    path = store.add("x")
    with serve(store, mode) as server:
        for _ in range(3):
            assert b"Sig" not in server.ask(f"/{path.hash_part}.narinfo").body
        assert b'nar_server_withheld_paths_total{view="main"} 1\n' in server.ask("/metrics").body
    assert [record.getMessage() for record in caplog.records if record.name == "nar_server"] == [
        f"view main: nothing vouches for /nix/store/{path.base_name}: {outcome}"
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
        answers = [server.ask(target) for target in ("/absent", "/" + "x" * 10_000, f"/{A}.narinfo")]
        answers.append(server.ask("/health", "BREW"))
        store.database.unlink()
        answers.append(server.ask(f"/{path.hash_part}.narinfo"))
    for answer in answers:
        assert answer.status >= 400
        assert str(tmp_path).encode() not in answer.body
        assert b"Traceback" not in answer.body


def test_failures_of_our_own_show_no_traces(store: Any, serve: Any, tmp_path: Path) -> None:
    path = store.add("x")
    with serve(store) as server, mock.patch.object(server.database, "select", side_effect=RuntimeError(str(tmp_path))):
        for target in (
            "/health",
            f"/{path.hash_part}.narinfo",
            f"/{path.hash_part}.narinfo?json",
            f"/{path.hash_part}.ls",
            f"/serve/{path.hash_part}/",
            path.url,
        ):
            answer = server.ask(target)
            assert (answer.status, answer.body) == (500, b"internal server error\n")
            assert answer.headers["cache-control"] == "no-store"


def test_small_files_are_joined(store: Any, serve: Any, trees: Any) -> None:
    path = store.add("x", trees["small"])
    with (
        serve(store) as server,
        mock.patch.object(layout.LargeFile, "open", side_effect=AssertionError("sent by itself")),
    ):
        assert server.ask(path.url).body == path.nar
