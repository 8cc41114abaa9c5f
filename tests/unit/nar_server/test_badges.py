"""Badges between this server and Nix: each relays what it asks for, in the way of tests/badge_relay."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nixvegas.noc.tests.badge_relay.relay import MAX_HEADERS, USER_AGENT, Relay, running
from nar_server.badges import without_length
from nar_server.http import Body, Request, Response, Sender

LIBRARY = Path(__file__).parents[3] / "roles/nar_server/files"
LOCAL = "127.0.0.1"
SIZES = {"small": 10, "piece": 64 * 1024, "large": 3_000_000}


@pytest.fixture
def paths(nix: Any, tmp_path: Path) -> dict[str, str]:
    """Paths of several sizes in a store of Nix's."""
    found = {}
    for name, size in SIZES.items():
        (tmp_path / name).write_bytes(os.urandom(size))
        found[name] = nix("nix-store", "--store", f"local?root={tmp_path / 'server'}", "--add", str(tmp_path / name))
    return found


@pytest.fixture
def cache(paths: dict[str, str], tmp_path: Path) -> Iterator[tuple[str, int]]:
    """The server over that store, by its command line: host and port."""
    with socket.create_server((LOCAL, 0)) as free:
        address = (LOCAL, free.getsockname()[1])
    config = tmp_path / "config.toml"
    config.write_text(
        f'listen = ["{LOCAL}:{address[1]}"]\nreal_store_dir = "{tmp_path}/server/nix/store"\n'
        f'database = "{tmp_path}/server/nix/var/nix/db/db.sqlite"\n'
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
        ready.bind(str(tmp_path / "notify"))
        ready.settimeout(20)
        variables = os.environ | {"PYTHONPATH": str(LIBRARY), "NOTIFY_SOCKET": str(tmp_path / "notify")}
        command = [sys.executable, "-P", "-m", "nar_server", "serve", "--config", str(config)]
        process = subprocess.Popen(command, env=variables)
        try:
            assert b"READY=1" in ready.recv(100)
            yield address
        finally:
            process.terminate()
            process.wait(20)


@contextlib.contextmanager
def row(cache: tuple[str, int], count: int) -> Iterator[list[Relay]]:
    """As many badges, each connected through the one before; the first asks the cache."""
    with contextlib.ExitStack() as stack:
        badges: list[Relay] = []
        for _ in range(count):
            upstream = (LOCAL, badges[-1].port) if badges else cache
            badges.append(stack.enter_context(running(upstream)))
        yield badges


def substitute(nix: Any, port: int, to: Path, path: str, *options: str) -> subprocess.CompletedProcess[bytes]:
    """Let Nix take a path from a badge alone."""
    substituters = ("--option", "substituters", f"http://{LOCAL}:{port}", "--option", "download-attempts", "1")
    done: subprocess.CompletedProcess[bytes] = nix.run(
        "nix-store", "--store", f"local?root={to}", *substituters, *options, "--realise", path, succeed=False
    )
    return done


def ask(port: int, target: str, method: str = "GET", agent: str = "Nix") -> tuple[int, list[tuple[str, str]], bytes]:
    """A request of our own: status, headers, body."""
    with contextlib.closing(http.client.HTTPConnection(LOCAL, port, timeout=20)) as connection:
        connection.request(method, target, headers={"User-Agent": agent})
        response = connection.getresponse()
        return response.status, response.headers.items(), response.read()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_nix_substitutes_through_badges(
    count: int, nix: Any, tmp_path: Path, paths: dict[str, str], cache: tuple[str, int]
) -> None:
    with row(cache, count) as badges:
        for name, path in paths.items():
            done = substitute(nix, badges[-1].port, tmp_path / "client", path)
            assert done.returncode == 0, done.stderr.decode()
            assert (tmp_path / "client" / path[1:]).read_bytes() == (tmp_path / name).read_bytes()
    for badge in badges:
        assert {request.split(" ")[0] for request in badge.requests} == {"GET"}
        assert sum(request.startswith("GET /nar/") for request in badge.requests) == len(paths)


def test_a_second_badge_refuses_what_came_with_its_length() -> None:
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((LOCAL, 0)))
        first = stack.enter_context(running(listener.getsockname()[:2]))
        second = stack.enter_context(running((LOCAL, first.port)))
        client = stack.enter_context(socket.create_connection((LOCAL, second.port), timeout=20))
        client.sendall(b"GET /nar/x.nar HTTP/1.1\r\n\r\n")
        with listener.accept()[0] as upstream:
            upstream.recv(1000)
            upstream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
        assert client.recv(1000) == b""
    assert first.refused == []
    assert second.refused == ["/nar/x.nar: it has Content-Length and Transfer-Encoding"]


def test_only_badges_are_not_told_the_length(cache: tuple[str, int], paths: dict[str, str]) -> None:
    target = f"/{Path(paths['small']).name[:32]}.narinfo"
    answers = [ask(cache[1], target, agent=agent) for agent in (USER_AGENT, "Nix")]
    lengths = [
        {name: value for name, value in headers if "th" in name or "enc" in name.lower()} for _, headers, _ in answers
    ]
    assert lengths == [{"Transfer-Encoding": "chunked"}, {"Content-Length": str(len(answers[0][2]))}]
    assert answers[0][2] == answers[1][2]
    assert ask(cache[1], target, "HEAD", agent=USER_AGENT)[2] == b""


class Said(Body):
    """A body that says another length than it has."""

    length = 4

    async def send(self, sender: Sender) -> None:
        await sender.write_parts((b"abc", b"de"))


class Sink(Sender):
    async def write(self, data: bytes | bytearray | memoryview) -> None: ...

    async def write_parts(self, parts: object) -> None: ...

    async def sendfile(self, descriptor: int, offset: int, count: int) -> None: ...


def test_a_body_is_held_to_a_length_that_is_not_told() -> None:
    handler = without_length(lambda _request: Response(200, Said()))
    answer = handler(Request("GET", "/", {"user-agent": USER_AGENT}))
    assert isinstance(answer, Response)
    assert isinstance(answer.body, Body)
    with pytest.raises(ValueError, match="the body has 5 bytes instead of 4"):
        asyncio.run(answer.body.send(Sink()))


def version(nix: Any) -> tuple[int, ...]:
    return tuple(int(part) for part in nix("nix", "--version").split()[-1].split("."))


def test_a_path_that_a_badge_has_not_ends_older_nix_unless_it_may_fall_back(
    nix: Any, tmp_path: Path, cache: tuple[str, int]
) -> None:
    other, flat = f"local?root={tmp_path / 'other'}", f"file://{tmp_path / 'flat'}"
    (tmp_path / "elsewhere").write_text("elsewhere")
    path = nix("nix-store", "--store", other, "--add", str(tmp_path / "elsewhere"))
    nix("nix", "copy", "--from", other, "--to", flat, path)
    with row(cache, 1) as (badge,):
        assert ask(badge.port, f"/{Path(path).name[:32]}.narinfo")[::2] == (200, b"not found\n")
        second = ("--option", "extra-substituters", f"{flat}?priority={badge.priority + 1}")
        alone = substitute(nix, badge.port, tmp_path / "client", path, *second)
        assert b"is corrupt" in alone.stderr
        # Up to 2.26 it ends there; 2.34 goes on to the next cache by itself.
        assert (alone.returncode == 0) == (version(nix) >= (2, 34))
        done = substitute(nix, badge.port, tmp_path / "client", path, *second, "--option", "fallback", "true")
        assert done.returncode == 0, done.stderr.decode()


def without_date(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [header for header in headers if header[0] != "Date"]


def test_nothing_that_nix_needs_is_behind_the_eighth_header(cache: tuple[str, int], paths: dict[str, str]) -> None:
    target = f"/{Path(paths['large']).name[:32]}.narinfo"
    _status, headers, narinfo = ask(cache[1], target)
    fields = dict(line.split(": ", 1) for line in narinfo.decode().splitlines())
    assert "://" not in fields["URL"]
    for asked in (target, f"/{fields['URL']}"):
        with row(cache, 1) as (badge,):
            status, relayed, _body = ask(badge.port, asked)
        assert status == 200
        # The badge's own type comes before what it copies.
        copied = relayed[3:]
        assert without_date(copied) == without_date(ask(cache[1], asked, agent=USER_AGENT)[1][: MAX_HEADERS - 1])
        assert {name.lower() for name, _value in headers} & {"content-encoding", "location"} == set()


def test_other_methods_are_refused(cache: tuple[str, int]) -> None:
    with row(cache, 1) as (badge,):
        assert ask(badge.port, "/nix-cache-info", "HEAD")[0] == 405
        assert ask(badge.port, "/nix-cache-info")[2] == b"StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 40\n"


def test_a_body_cut_short_is_passed_on_as_such() -> None:
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((LOCAL, 0)))
        badge = stack.enter_context(running(listener.getsockname()[:2]))
        connection = stack.enter_context(contextlib.closing(http.client.HTTPConnection(LOCAL, badge.port, timeout=20)))
        connection.request("GET", "/nar/x.nar")
        with listener.accept()[0] as upstream:
            upstream.recv(1000)
            upstream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        with pytest.raises(http.client.IncompleteRead):
            connection.getresponse().read()
