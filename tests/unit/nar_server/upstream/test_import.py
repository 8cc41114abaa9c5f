"""Import through a real daemon of Nix: references first, signatures checked, whoever waits."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from nar_server.path_info import PathInfo
from nar_server.upstream.daemon import _DAEMON_MAGIC, _NEXT, _VERSION, Daemon, DaemonError

from ..running import Running
from .conftest import STORE, FakeUpstream, config_of


class RunningDaemon:
    """Nix's daemon over a store below a folder; nobody is trusted, so it checks signatures."""

    def __init__(self, home: Path, trusted_key: str, substituters: str = "") -> None:
        self.home = home
        self.socket = home / "socket"
        config = "\n".join(
            (
                "build-users-group =",
                "extra-experimental-features = nix-command",
                f"substituters = {substituters}",
                "trusted-users =",
                "require-sigs = true",
                f"trusted-public-keys = {trusted_key}",
            )
        )
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "NIX_CONFIG": config,
            "NIX_CONF_DIR": str(home),
            "NIX_REMOTE": f"local?root={home}",
            "NIX_DAEMON_SOCKET_PATH": str(self.socket),
        }
        self.process = subprocess.Popen(["nix-daemon"], env=environment, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while not self.socket.exists():
            assert self.process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)

    def has(self, info: PathInfo) -> bool:
        async def ask() -> bool:
            daemon = await Daemon.connect(self.socket)
            try:
                return await daemon.is_valid(info.path, STORE)
            finally:
                daemon.close()

        return asyncio.run(ask())

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture
def daemon(tmp_path: Path, fake: FakeUpstream, nix: Any) -> Iterator[RunningDaemon]:
    home = tmp_path / "daemon"
    home.mkdir()
    running = RunningDaemon(home, str(fake.key.public))
    yield running
    running.stop()


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.02)


def pull(pulling: Any, hash_part: str, outcomes: dict[str, int]) -> None:
    """Ask for a NAR, leave, and wait for what comes of the import."""

    async def work() -> None:
        reader = await pulling.puller.open(pulling.view, hash_part)
        reader.close()
        count = pulling.metrics.value
        await until(lambda: outcomes == {key: count("nar_server_imports_total", outcome=key) for key in outcomes})
        await pulling.puller.close()

    asyncio.run(asyncio.wait_for(work(), 30))


def test_references_first(fake: FakeUpstream, make_puller: Any, daemon: RunningDaemon) -> None:
    low = fake.add("low", os.urandom(700_000), "xz")
    middle = fake.add("middle", references=(low.info.path,))
    top = fake.add("top", references=(low.info.path, middle.info.path))
    pulling = make_puller(config_of(fake), import_to_store=True, daemon_socket=daemon.socket)
    pull(pulling, top.hash_part, {"imported": 3})
    for path in (low, middle, top):
        assert daemon.has(path.info)
        real = daemon.home / "nix/store" / str(path.info.path)
        assert real.stat().st_size in (700_000, len(b"content"))


def test_every_path_of_one_content(fake: FakeUpstream, make_puller: Any, daemon: RunningDaemon) -> None:
    content = os.urandom(700_000)
    first, second = fake.add("first", content), fake.add("second", content)
    pulling = make_puller(config_of(fake), import_to_store=True, daemon_socket=daemon.socket)
    fake.hold = True

    async def work() -> None:
        for path in (first, second):
            (await pulling.puller.open(pulling.view, path.hash_part)).close()
        fake.go_on.set()
        await pulling.puller.finish()
        # Both are here now, and what is here is handed over once.
        await pulling.puller._import(pulling.view, await pulling.puller.find(pulling.view, first.hash_part))
        await pulling.puller.close()

    asyncio.run(asyncio.wait_for(work(), 30))
    assert fake.nars() == 1
    assert daemon.has(first.info)
    assert daemon.has(second.info)
    counts = {each: pulling.metrics.value("nar_server_imports_total", outcome=each) for each in ("imported", "present")}
    assert counts == {"imported": 2, "present": 1}
    # What is kept does not need the upstream any more.
    fake.bodies.clear()
    again = make_puller(config_of(fake))

    async def find() -> None:
        assert await again.puller.find(again.view, second.hash_part) is not None
        await again.puller.close()

    asyncio.run(asyncio.wait_for(find(), 30))


def test_without_a_reference_nothing_is_imported(fake: FakeUpstream, make_puller: Any, daemon: RunningDaemon) -> None:
    absent = fake.add("absent")
    top = fake.add("top", references=(absent.info.path,))
    del fake.bodies[f"/cache/{absent.hash_part}.narinfo"]
    pulling = make_puller(config_of(fake), import_to_store=True, daemon_socket=daemon.socket)
    pull(pulling, top.hash_part, {"failure": 2, "imported": 0})
    assert not daemon.has(top.info)


@pytest.mark.parametrize("length", [2, 3])
def test_paths_that_refer_to_each_other_in_a_circle_are_refused(
    fake: FakeUpstream, make_puller: Any, daemon: RunningDaemon, length: int
) -> None:
    known = [fake.add(str(number)).info.path for number in range(length)]
    circle = [fake.add(str(number), references=(known[(number + 1) % length],)) for number in range(length)]
    top = fake.add("top", references=tuple(known))
    other = fake.add("other", os.urandom(700_000))
    pulling = make_puller(config_of(fake), import_to_store=True, daemon_socket=daemon.socket)

    async def work() -> None:
        for path in (top, *circle, other):
            (await pulling.puller.open(pulling.view, path.hash_part)).close()
        await pulling.puller.finish()
        await pulling.puller.close()

    asyncio.run(asyncio.wait_for(work(), 30))
    assert [daemon.has(path.info) for path in (top, *circle, other)] == [*[False] * (length + 1), True]


def test_a_path_may_refer_to_itself(fake: FakeUpstream, make_puller: Any, daemon: RunningDaemon) -> None:
    path = fake.add("x", os.urandom(700_000), references=(fake.add("x").info.path,))
    pulling = make_puller(config_of(fake), import_to_store=True, daemon_socket=daemon.socket)
    pull(pulling, path.hash_part, {"imported": 1})
    assert daemon.has(path.info)


def test_the_daemon_checks_signatures_itself(
    make_upstream: Any, make_puller: Any, daemon: RunningDaemon, caplog: pytest.LogCaptureFixture
) -> None:
    other = make_upstream("unknown-to-the-daemon-1")
    path = other.add("x", os.urandom(700_000))
    pulling = make_puller(config_of(other), import_to_store=True, daemon_socket=daemon.socket)
    pull(pulling, path.hash_part, {"failure": 1, "imported": 0})
    assert not daemon.has(path.info)
    assert pulling.puller.spool.has(path.info)
    # Nix's own words, without its colours, which caplog.text would hide.
    assert f"cannot add path '{STORE}/{path.info.path}' because it lacks a " in "\n".join(caplog.messages)
    assert "; its trusted-public-keys must name the upstream's key" in "\n".join(caplog.messages)


def test_no_daemon(fake: FakeUpstream, make_puller: Any, tmp_path: Path) -> None:
    path = fake.add("x")
    pulling = make_puller(config_of(fake), import_to_store=True, daemon_socket=tmp_path / "absent")
    pull(pulling, path.hash_part, {"failure": 1})


def test_something_else_on_the_socket(tmp_path: Path) -> None:
    async def work() -> None:
        async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        server = await asyncio.start_unix_server(answer, tmp_path / "socket")
        with pytest.raises(DaemonError, match="it is not Nix's daemon"):
            await Daemon.connect(tmp_path / "socket")
        server.close()

    asyncio.run(asyncio.wait_for(work(), 20))


def test_a_daemon_that_ends_within_a_text(tmp_path: Path) -> None:
    def numbers(*values: int) -> bytes:
        return b"".join(value.to_bytes(8, "little") for value in values)

    async def work() -> None:
        async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(numbers(_DAEMON_MAGIC, _VERSION, _NEXT, 100) + b"abc")
            writer.write_eof()

        server = await asyncio.start_unix_server(answer, tmp_path / "socket")
        with pytest.raises(DaemonError, match="it closed the connection"):
            await Daemon.connect(tmp_path / "socket")
        server.close()

    asyncio.run(asyncio.wait_for(work(), 20))


def test_a_daemon_may_substitute_from_who_imports_into_it(fake: FakeUpstream, nix: Any, tmp_path: Path) -> None:
    home = tmp_path / "both"
    (home / "nix/store").mkdir(parents=True)
    (tmp_path / "spool").mkdir()
    paths = [fake.add("0", os.urandom(2_000_000), "xz")]
    for number in range(1, 8):
        references = tuple(path.info.path for path in paths)
        paths.append(fake.add(str(number), os.urandom(200_000), "xz", references))
    config = tmp_path / "front.toml"
    config.write_text(
        f"""
        listen = ["127.0.0.1:0"]
        real_store_dir = "{home}/nix/store"
        [upstreams.near]
        url = "{fake.url}"
        public_keys = ["{fake.key.public}"]
        [pull_through]
        folder = "{tmp_path / "spool"}"
        import_to_store = true
        daemon_socket = "{home}/socket"
        """
    )
    server = Running(config, tmp_path)
    try:
        daemon = RunningDaemon(home, str(fake.key.public), f"http://{server.address}")
        try:
            # It holds the lock of each path while it fetches it; the import of that path waits for that lock.
            top = f"{STORE}/{paths[-1].info.path}"
            substituters = ("--option", "substituters", f"http://{server.address}")
            nix("nix-store", "--store", f"unix://{daemon.socket}", *substituters, "--realise", top)
            assert all(daemon.has(path.info) for path in paths)
        finally:
            daemon.stop()
    finally:
        server.close()
    assert fake.nars() == len(paths)
