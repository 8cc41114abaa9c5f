"""NARs coded with zstd: for whom, with which headers, and never a wrong byte."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.request import Request, urlopen

import pytest
import zstandard
from nar_server.__main__ import main
from nar_server.accept_encoding import accepts
from nar_server.badges import USER_AGENT
from nar_server.config import parse_config
from nar_server.encoding import EncodedBody, Encoders, encoder_memory
from nar_server.hot_tier import HotTier
from nar_server.http import Body, Sender
from nar_server.options import ConfigError

from .running import Running
from .test_badges import version
from .test_nix_clients import RealStore

MIB = 2**20
WANTED = "Accept-Encoding: gzip, zstd\r\n"


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("", False),
        ("zstd", True),
        ("ZSTD", True),
        ("deflate, gzip, br, zstd", True),
        ("gzip,,zstd ; q=0.001 ,", True),
        ("zstd;q=1.000", True),
        ("zstd;q=0", False),
        ("zstd;q=0.000, *", False),
        ("*", True),
        ("*;q=0", False),
        ("*;q=0, zstd", True),
        ("gzip", False),
        ("identity", False),
        ("identity;q=0, zstd;q=0.1", True),
        ("identity;q=0.5, zstd;q=0.4", False),
        ("identity;q=0.5, zstd;q=0.5", True),
        ("zstdx", False),
        ("zstd;q=1.1", False),
        ("zstd;q=0.0001", False),
        ("zstd;level=3", False),
        ("zstd, ;;;", False),
    ],
)
def test_accepts(header: str, taken: bool) -> None:
    assert accepts(header, "zstd") is taken


def unchunked(body: bytes) -> tuple[bytes, bool]:
    """The data of a body's chunks, and whether the last one is there."""
    data = bytearray()
    while body:
        size, _, rest = body.partition(b"\r\n")
        if not int(size, 16):
            return bytes(data), rest == b"\r\n"
        data += rest[: int(size, 16)]
        body = rest[int(size, 16) + 2 :]
    return bytes(data), False


def decoded(answer: Any) -> bytes:
    data, ended = unchunked(answer.body)
    assert ended
    return zstandard.ZstdDecompressor().decompress(data)


@pytest.fixture
def encoders() -> Encoders:
    return Encoders(3, 64 * MIB)


def told(answer: Any) -> dict[str, str]:
    names = ("content-encoding", "content-length", "transfer-encoding", "vary", "accept-ranges")
    return {name: answer.headers[name] for name in names if name in answer.headers}


CODED = {"content-encoding": "zstd", "transfer-encoding": "chunked", "vary": "Accept-Encoding"}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("make", ["small", "large", b"tiny", b""])
def test_the_same_bytes_coded_and_plain(
    *, store: Any, serve: Any, trees: Any, encoders: Encoders, make: Any, packed: bool, tmp_path: Path
) -> None:
    path = store.add("x", trees[make] if isinstance(make, str) else make)
    plain = {"content-length": str(len(path.nar)), "vary": "Accept-Encoding", "accept-ranges": "bytes"}
    tier = HotTier(tmp_path / "hot", 100 * MIB) if packed else None
    with serve(store, encoders=encoders, tier=tier) as server:
        for _each in range(3):
            coded = server.ask(path.url, headers=WANTED)
            assert (coded.status, told(coded)) == (200, CODED)
            assert decoded(coded) == path.nar
            head = server.ask(path.url, "HEAD", headers=WANTED)
            assert (head.status, told(head), head.body) == (200, CODED, b"")
            for method in ("GET", "HEAD"):
                answer = server.ask(path.url, method)
                assert (answer.status, told(answer)) == (200, plain)
                assert answer.body == (path.nar if method == "GET" else b"")
    if tier is not None:
        tier.close()


@pytest.mark.parametrize("range_", ["bytes=10-19", "bytes=0-", "lines=1-2"])
def test_ranges_are_of_the_plain_bytes(store: Any, serve: Any, encoders: Encoders, range_: str) -> None:
    path = store.add("x", b"x" * 1000)
    with serve(store, encoders=encoders) as server:
        answer = server.ask(path.url, headers=f"Range: {range_}\r\n{WANTED}")
    assert answer.headers["vary"] == "Accept-Encoding"
    assert "content-encoding" not in answer.headers
    assert answer.body == (path.nar[10:20] if "10-19" in range_ else path.nar)


def test_badges_and_old_clients_get_it_plain(store: Any, running: Callable[..., Running]) -> None:
    path = store.add("x", b"x" * 1000)
    server = running("level = 3")
    badge = f"GET {path.url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nUser-Agent: {USER_AGENT}1.0\r\n{WANTED}\r\n"
    answers = []
    for request in (badge, f"GET {path.url} HTTP/1.0\r\n{WANTED}\r\n"):
        with server.connect() as connection:
            connection.sendall(request.encode())
            head, _, body = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")
        assert b"Content-Encoding" not in head
        answers.append(body)
    assert (unchunked(answers[0]), answers[1]) == ((path.nar, True), path.nar)


def test_nothing_else_is_coded_and_nothing_when_switched_off(store: Any, serve: Any, encoders: Encoders) -> None:
    path = store.add("x", b"x" * 1000)
    with serve(store, encoders=encoders) as server:
        others = [server.ask(target, headers=WANTED) for target in (f"/{path.hash_part}.narinfo", "/nar/x", "/")]
    with serve(store) as server:
        others.append(server.ask(path.url, headers=WANTED))
    for answer in others:
        assert not {"vary", "content-encoding"} & set(answer.headers)


def test_level_0_codes_nothing(store: Any, running: Callable[..., Running]) -> None:
    path = store.add("x", b"x" * 1000)
    wanted = Request(f"http://{running('level = 0').address}{path.url}", headers={"Accept-Encoding": "zstd"})
    with urlopen(wanted) as answer:
        assert not {"Content-Encoding", "Vary"} & set(answer.headers)
        assert answer.headers["Content-Length"] == str(len(path.nar))
        assert answer.read() == path.nar


@pytest.mark.parametrize("make", ["small", "large"])
def test_damage_ends_in_no_last_chunk(store: Any, serve: Any, encoders: Encoders, trees: Any, make: str) -> None:
    path = store.add("x", trees[make])
    for file in path.real.iterdir():
        # Does not become small: most of it is not yet coded when the damage is done.
        file.write_bytes(os.urandom(file.stat().st_size))
    last = max(path.real.iterdir())
    with serve(store, encoders=encoders) as server:
        answer = server.ask(path.url, headers=WANTED, between=last.unlink)
        assert (answer.status, told(answer)) == (200, CODED)
        data, ended = unchunked(answer.body)
        assert not ended
        with pytest.raises(zstandard.ZstdError):
            zstandard.ZstdDecompressor().decompress(data)


def test_a_nar_of_another_size_is_not_ended(store: Any, serve: Any, encoders: Encoders) -> None:
    path = store.add("x", b"content", narSize=1000)
    with serve(store, encoders=encoders) as server:
        answer = server.ask(path.url, headers=WANTED)
    assert unchunked(answer.body)[1] is False


@pytest.mark.parametrize("level", [1, 3, 19])
def test_no_window_is_over_8_mib(store: Any, serve: Any, level: int) -> None:
    path = store.add("x", bytes(9 * MIB))
    with serve(store, encoders=Encoders(level, 256 * MIB)) as server:
        data, _ = unchunked(server.ask(path.url, headers=WANTED).body)
    assert zstandard.get_frame_parameters(data).window_size <= 8 * MIB


def test_more_than_memory_allows_are_sent_plain(store: Any, serve: Any, trees: Any) -> None:
    path = store.add("x", trees["large"])
    for file in path.real.iterdir():
        file.write_bytes(os.urandom(file.stat().st_size))
    request = f"GET {path.url} HTTP/1.1\r\nHost: x\r\n{WANTED}\r\n".encode()
    with serve(store, encoders=Encoders(3, 2 * encoder_memory(3))) as server:
        slow = [server.connect() for _ in range(2)]
        for connection in slow:
            connection.sendall(request)
            assert b"Content-Encoding: zstd" in connection.recv(65536)
        for method in ("GET", "HEAD"):
            assert "content-encoding" not in server.ask(path.url, method, headers=WANTED).headers
        slow[0].close()
        # The server learns of it when it sends on.
        while "content-encoding" not in server.ask(path.url, "HEAD", headers=WANTED).headers:
            pass
        assert told(server.ask(path.url, headers=WANTED)) == CODED


class Sink(Sender):
    async def write(self, data: bytes | bytearray | memoryview) -> None: ...

    async def write_parts(self, parts: object) -> None: ...

    async def sendfile(self, descriptor: int, offset: int, count: int) -> None: ...


class Said(Body):
    """A body that says another length than it has."""

    length = 4

    async def send(self, sender: Sender) -> None:
        await sender.write_parts((b"abc", b"de"))


def test_a_body_is_held_to_its_length(encoders: Encoders) -> None:
    with pytest.raises(zstandard.ZstdError):
        asyncio.run(EncodedBody(Said(), encoders).send(Sink()))


def test_others_go_on_meanwhile(encoders: Encoders) -> None:
    going_on = threading.Event()
    coder = mock.Mock()
    # Waits for what only the loop does: coded by the loop, it would never come.
    coder.compress.side_effect = lambda _data: b"" if going_on.wait(20) else pytest.fail("the loop stood still")
    coder.flush.return_value = b""

    async def code() -> None:
        asyncio.get_running_loop().call_soon(going_on.set)
        with mock.patch.object(encoders, "start", return_value=coder):
            await EncodedBody(Said(), encoders).send(Sink())

    asyncio.run(code())
    assert coder.compress.call_count == 2


@pytest.fixture
def running(store: Any, tmp_path: Path) -> Any:
    """Starts a server of its own process over the store, with a ``[zstd]`` table of these lines."""
    servers = []

    def start(*lines: str) -> Running:
        config = tmp_path / "config.toml"
        top = [f'listen = ["127.0.0.1:0"]\nreal_store_dir = "{store.directory}"', "[zstd]"]
        config.write_text("\n".join([*top, *lines]))
        servers.append(Running(config, tmp_path))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.mark.parametrize("level", [1, 3, 9])
def test_a_hundred_slow_readers_cost_little_memory(
    store: Any, running: Callable[..., Running], trees: Any, level: int
) -> None:
    path = store.add("x", trees["small"])
    for file in path.real.iterdir():
        file.write_bytes(os.urandom(file.stat().st_size))
    server = running(f"level = {level}")
    request = f"GET {path.url} HTTP/1.1\r\nHost: x\r\n{WANTED}\r\n".encode()
    readers = [server.connect() for _ in range(100)]
    for reader in readers:
        reader.sendall(request)
    heads = [reader.recv(65536) for reader in readers]
    coded = sum(b"Content-Encoding: zstd" in head for head in heads)
    for _ in range(10):
        for reader in readers:
            assert reader.recv(65536)
    memory = server.memory()
    for reader in readers:
        reader.close()
    assert 0 < coded < 100
    assert memory < 256 * MIB


def test_too_little_memory_for_a_level_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.toml"
    config.write_text("workers = 4\n[zstd]\nlevel = 19\n")
    assert main(["check-config", "--config", str(config)]) == 1
    told = capsys.readouterr().err.removeprefix(f"{config}: ")
    assert re.match(r"zstd\.memory: at level 19 a NAR takes [0-9]+ bytes, and each worker has 16777216 ", told)


@pytest.mark.parametrize("level", ["20", "-1", '"3"', "true"])
def test_levels_that_are_none(level: str) -> None:
    with pytest.raises(ConfigError, match=r"zstd\.level: .* is not a whole number from 0"):
        parse_config(f"[zstd]\nlevel = {level}\n")


def test_curl_unpacks_it(store: Any, running: Callable[..., Running], trees: Any) -> None:
    path = store.add("x", trees["small"])
    command = ["curl", "--silent", "--fail", "--compressed", "--write-out", "%{stderr}%{size_download}"]
    done = subprocess.run(
        [*command, f"http://{running('level = 3').address}{path.url}"], capture_output=True, check=True
    )
    assert done.stdout == path.nar
    assert int(done.stderr) < len(path.nar) // 100


def test_new_nix_asks_for_it_and_unpacks_it(nix: Any, tmp_path: Path, serve: Any, encoders: Encoders) -> None:
    root = tmp_path / "server"
    (tmp_path / "text").write_text("again and again\n" * 500_000)
    path = nix("nix-store", "--store", f"local?root={root}", "--add", str(tmp_path / "text"))
    to = f"local?root={tmp_path / 'client'}"
    with (
        mock.patch.object(encoders, "start", wraps=encoders.start) as started,
        serve(RealStore(root), encoders=encoders) as server,
    ):
        nix("nix", "copy", "--from", f"http://127.0.0.1:{server.port}", "--to", to, "--no-check-sigs", path)
    # 2.8 sends no Accept-Encoding.
    assert started.call_count == (version(nix) >= (2, 26))
    assert (tmp_path / "client" / path[1:]).read_bytes() == (tmp_path / "text").read_bytes()
