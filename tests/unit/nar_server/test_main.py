"""The command line, as systemd and the role run it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from nar_server.keys import SecretKey

from .running import LIBRARY, Running, command


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = os.environ | {"PYTHONPATH": str(LIBRARY)} | environment
    return subprocess.run(command(*arguments), env=variables, capture_output=True, text=True, check=False, timeout=30)


@pytest.fixture
def config(store: Any, tmp_path: Path) -> Callable[..., Path]:
    """Writes a configuration of a store on a free port; returns its file."""

    def write(*lines: str) -> Path:
        file = tmp_path / "config.toml"
        first = ['listen = ["127.0.0.1:0"]', f'real_store_dir = "{store.directory}"']
        file.write_text("\n".join([*first, *lines]))
        return file

    return write


def test_check_config(config: Any, tmp_path: Path, make_key: Callable[[str], SecretKey], nix: Any) -> None:
    nix("nix-store", "--generate-binary-cache-key", "cache-1", str(tmp_path / "key"), str(tmp_path / "public"))
    done = run("check-config", "--config", str(config(f'signing_key_files = ["{tmp_path / "key"}"]')))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"signs as {(tmp_path / 'public').read_text().strip()}\n"


def test_check_config_warns(config: Any) -> None:
    done = run("check-config", "--config", str(config('policy = "all"')))
    assert done.returncode == 0
    assert "view main: policy is 'all': paths are signed that came here unsigned" in done.stderr
    assert "view main: no signing_key_files: nothing is signed" in done.stderr


def test_check_config_works_before_the_packages_are_installed(config: Any, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("cache-1:" + "A" * 86 + "==")
    for package in ("aiohttp", "cryptography", "zstandard"):
        (tmp_path / "hide" / package).mkdir(parents=True)
        (tmp_path / "hide" / package / "__init__.py").write_text(f"raise ModuleNotFoundError('no {package}')")
    file = config(f'signing_key_files = ["{key}"]\n[zstd]\nlevel = 1')
    done = run("check-config", "--config", str(file), PYTHONPATH=f"{tmp_path / 'hide'}:{LIBRARY}")
    assert (done.returncode, done.stderr) == (0, "warning: the keys and zstd were not tried: no cryptography\n")


@pytest.mark.parametrize("name", ["serve", "check-config"])
def test_mistakes(name: str, config: Any, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("cache-1:" + "A" * 86 + "==")
    for line, reason in (
        ("colour = 1", "colour: there is no such option"),
        (f'signing_key_files = ["{key}"]', "the public half inside the secret key 'cache-1' belongs to another"),
        (None, "No such file"),
    ):
        file = config(line) if line else tmp_path / "absent.toml"
        done = run(name, "--config", str(file))
        assert done.returncode == 1
        assert reason in done.stderr
        assert "Traceback" not in done.stderr


@pytest.fixture
def running(config: Any, tmp_path: Path) -> Iterator[Running]:
    """A server that said it was ready."""
    server = Running(config(), tmp_path)
    yield server
    server.close()


def test_serve_and_stop(running: Running, store: Any) -> None:
    assert running.get("/health") == b"ok\n"
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(10) == 0


def test_an_answer_under_way_is_finished(running: Running, store: Any) -> None:
    path = store.add("x", b"content" * 2_000_000)
    with urlopen(f"http://{running.address}{path.url}") as answer:
        running.process.send_signal(signal.SIGTERM)
        assert answer.read() == path.nar
    assert running.process.wait(10) == 0


def test_reload_loses_no_connection(running: Running, config: Any, store: Any) -> None:
    path = store.add("x", b"content" * 2_000_000)
    host, _, port = running.address.partition(":")
    kept = http.client.HTTPConnection(host, int(port), timeout=10)
    kept.request("GET", "/nix-cache-info")
    assert b"Priority: 30" in kept.getresponse().read()
    with urlopen(f"http://{running.address}{path.url}") as under_way:
        config("priority = 7", 'title = "New"')
        running.process.send_signal(signal.SIGHUP)
        running.wait_for_state("READY=1")
        running.log_line("reloaded: ")
        # The same connection, without a reconnect: what it is asked now is answered by the new configuration.
        assert kept.sock is not None
        kept.auto_open = 0
        kept.request("GET", "/nix-cache-info")
        assert b"Priority: 7" in kept.getresponse().read()
        assert under_way.read() == path.nar
    assert b"<title>New</title>" in running.get("/")
    kept.close()


def test_a_reload_with_a_mistake_changes_nothing(running: Running, config: Any) -> None:
    config("prioriti = 7")
    running.process.send_signal(signal.SIGHUP)
    line = running.log_line("not reloaded, the old configuration stays: ")
    assert "did you mean 'priority'?" in line
    assert b"Priority: 30" in running.get("/nix-cache-info")


def test_counters_outlive_a_reload(running: Running, config: Any) -> None:
    running.get("/health")
    config("priority = 7")
    running.process.send_signal(signal.SIGHUP)
    running.log_line("reloaded: ")
    assert b'nar_server_requests_total{view="main",kind="health"} 1\n' in running.get("/metrics")


def test_sockets_of_systemd(config: Any, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Running(config(), tmp_path, listener)
        try:
            assert server.address == f"127.0.0.1:{listener.getsockname()[1]}"
            assert server.get("/health") == b"ok\n"
        finally:
            server.close()


def test_signs_of_life(config: Any, tmp_path: Path) -> None:
    server = Running(config(), tmp_path, WATCHDOG_USEC="150000")
    try:
        for _ in range(3):
            server.wait_for_state("WATCHDOG=1")
    finally:
        server.close()


def test_stats(running: Running, store: Any, tmp_path: Path) -> None:
    path = store.add("x")
    running.get(f"/{path.hash_part}.narinfo")
    assert len(running.get(path.url)) == len(path.nar)
    with pytest.raises(HTTPError, match="404"):
        running.get(path.url.replace(path.hash_part, "0" * 32))
    file = tmp_path / "stats.toml"
    file.write_text(f'listen = ["{running.address}"]')
    done = run("stats", "--config", str(file), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"main": {"paths": 1, "narinfos": 1, "nars": 1, "bytes": len(path.nar)}}
    assert run("stats", "--config", str(file)).stdout.startswith("main: paths 1, narinfos 1, nars 1, bytes ")
    running.close()
    done = run("stats", "--config", str(file))
    assert done.returncode == 1
    assert "Is the server running?" in done.stderr
