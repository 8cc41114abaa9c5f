"""Nix as the client of a server that has nothing itself: everything comes from an upstream cache."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from nar_server.http import Body, Request
from nar_server.keys import SecretKey
from nar_server.pulled import PulledAnswers

from ..running import Running
from ..test_nix_clients import client, filled, secret_text
from .conftest import FakeUpstream, config_of

CLOSURE = 60


@pytest.fixture
def front(tmp_path: Path, store: Any, make_key: Any) -> Callable[[str, SecretKey], Running]:
    """Starts a server with an empty store and one upstream."""

    def start(url: str, key: SecretKey) -> Running:
        (tmp_path / "front").mkdir()
        (tmp_path / "front.key").write_text(secret_text(make_key("front-1")))
        config = tmp_path / "front.toml"
        config.write_text(
            f"""
            listen = ["127.0.0.1:0"]
            real_store_dir = "{store.directory}"
            signing_key_files = ["{tmp_path / "front.key"}"]
            [upstreams.near]
            url = "{url}"
            public_keys = ["{key.public}"]
            [pull_through]
            folder = "{tmp_path / "front"}"
            """
        )
        return Running(config, tmp_path)

    return start


def test_a_closure_comes_through(nix: Any, tmp_path: Path, serve: Any, make_key: Any, front: Any) -> None:
    upstream_store, paths = filled(nix, tmp_path / "upstream", CLOSURE)
    upstream_store.execute("update ValidPaths set ultimate = 1")
    upstream = make_key("upstream-1")
    with serve(upstream_store, sign_with=[upstream]) as server:
        running = front(f"http://127.0.0.1:{server.port}", upstream)
        port = int(running.address.rpartition(":")[2])
        try:
            cache = f"http://{running.address}"
            first, second = (f"local?root={tmp_path / name}" for name in ("first", "second"))
            nix("nix", "copy", *client(port, upstream), "--from", cache, "--to", first, paths[-1])
            server.close()
            # Now its NARs are verified and here: our signature stands beside the upstream's.
            ours = client(port, make_key("front-1"))
            nix("nix-store", "--store", second, *ours, "--realise", paths[-1])
            nix("nix", "store", "verify", *ours, "--store", second, "--sigs-needed", "1", "--recursive", paths[-1])
        finally:
            running.close()
    for name in ("first", "second"):
        there = {path.name for path in (tmp_path / name / "nix/store").iterdir() if not path.name.startswith(".")}
        assert there == {Path(path).name for path in paths}


def test_a_part_of_a_pulled_nar_says_which_it_is(store: Any, make_upstream: Any, front: Any) -> None:
    fake = make_upstream()
    path = fake.add("x", b"x" * 300_000, "xz")
    running, size = front(fake.url, fake.key), len(path.nar)
    connection = HTTPConnection(running.address)
    url = f"/nar/{path.info.nar_hash_base32}.nar?hash={path.hash_part}"
    try:
        assert running.get(url) == path.nar
        for asked, status, said, length in (
            ("5-9", 206, f"5-9/{size}", 5),
            ("-7", 206, f"{size - 7}-{size - 1}/{size}", 7),
            (f"{size - 1}-", 206, f"{size - 1}-{size - 1}/{size}", 1),
            ("0-", 206, f"0-{size - 1}/{size}", size),
            (f"{size}-", 416, f"*/{size}", len(b"no such range\n")),
        ):
            connection.request("GET", url, headers={"Range": f"bytes={asked}"})
            with connection.getresponse() as answer:
                assert (answer.status, answer.headers["Content-Range"]) == (status, f"bytes {said}")
                assert len(answer.read()) == length
    finally:
        connection.close()
        running.close()


def test_both_addresses_head_and_json(store: Any, serve: Any, make_upstream: Any, front: Any) -> None:
    fake = make_upstream()
    path = fake.add("x", b"x" * 300_000, "xz")
    running = front(fake.url, fake.key)
    try:
        with pytest.raises(OSError, match="404"):
            running.get(f"/nar/{path.hash_part}-{'0' * 52}.nar")
        assert b"Sig: upstream-1:" in running.get(f"/{path.hash_part}.narinfo")
        assert b"Sig: front-1:" not in running.get(f"/{path.hash_part}.narinfo")
        assert b"front-1" not in running.get(f"/{path.hash_part}.narinfo?json")
        assert running.head(f"/nar/{path.hash_part}-{path.info.nar_hash_base32}.nar") == len(path.nar)
        assert fake.nars() == 0
        assert running.get(f"/nar/{path.info.nar_hash_base32}.nar?hash={path.hash_part}") == path.nar
        assert running.get(f"/nar/{path.hash_part}-{path.info.nar_hash_base32}.nar") == path.nar
        for given, span in (("5-9", slice(5, 10)), ("-7", slice(-7, None)), ("1000-", slice(1000, None))):
            assert (
                running.get(f"/nar/{path.hash_part}-{path.info.nar_hash_base32}.nar", Range=f"bytes={given}")
                == (path.nar[span])
            )
        with pytest.raises(OSError, match="416"):
            running.get(f"/nar/{path.hash_part}-{path.info.nar_hash_base32}.nar", Range=f"bytes={len(path.nar)}-")
        assert fake.nars() == 1
        assert b"Sig: front-1:" in running.get(f"/{path.hash_part}.narinfo")
        metrics = running.get("/metrics").decode()
        assert 'nar_server_upstream_up{upstream="near"} 1\n' in metrics
        assert 'nar_server_pulled_nars_total{upstream="near",outcome="whole"} 1\n' in metrics
        assert f"nar_server_spool_bytes {len(path.nar)}\n" in metrics
    finally:
        running.close()


def test_an_upstream_may_sign_with_our_own_key(make_upstream: Any, make_key: Any, front: Any) -> None:
    fake, ours = make_upstream(), make_key("front-1")
    path = fake.add("x", sign_with=ours)
    running = front(fake.url, ours)
    try:
        for _moment in ("before the NAR is here", "afterwards"):
            narinfo = running.get(f"/{path.hash_part}.narinfo").decode()
            assert narinfo.splitlines()[-1:] == [f"Sig: {path.info.signatures[0]}"]
            assert running.get(f"/nar/{path.info.nar_hash_base32}.nar?hash={path.hash_part}") == path.nar
        assert running.get("/").count(str(ours.public).encode()) == 4, "once in each block of lines and in the list"
    finally:
        running.close()


def test_head_is_get_before_the_nar_is_here_and_afterwards(fake: FakeUpstream, make_puller: Any) -> None:
    path = fake.add("x", b"x" * 300_000)
    pulling = make_puller(config_of(fake))
    answers = PulledAnswers(pulling.puller)

    async def ask(method: str) -> tuple[Any, ...]:
        request = Request(method, f"/nar/{path.info.nar_hash_base32}.nar?hash={path.hash_part}", {})
        answer = await answers.nar(request, pulling.view, path.hash_part, path.info.nar_hash_base32)
        assert answer is not None
        assert isinstance(answer.body, Body)
        answer.body.close()
        return answer.status, answer.content_type, answer.headers, answer.body.length

    async def work() -> None:
        for ranges in ({}, {"Accept-Ranges": "bytes"}):
            assert await ask("HEAD") == await ask("GET") == (200, "application/x-nix-nar", ranges, len(path.nar))
            await pulling.puller.finish()
        await pulling.puller.close()

    asyncio.run(work())
