"""The command line, as systemd and the role run it."""

from __future__ import annotations

import errno
import http.client
import json
import logging
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from nar_server.advice import warnings
from nar_server.config import parse_config
from nar_server.journal import OneLine
from nar_server.keys import SecretKey
from nar_server.systemd import notify

from .running import LIBRARY, Running, command

KEY = f"a:{'A' * 43}="


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


def hide(folder: Path, *packages: str) -> str:
    """A PYTHONPATH on which these packages seem not to be installed."""
    for package in packages:
        (folder / package).mkdir(parents=True)
        text = f"raise ModuleNotFoundError('no {package}', name='{package}')"
        (folder / package / "__init__.py").write_text(text)
    return f"{folder}:{LIBRARY}"


def test_check_config_works_before_the_packages_are_installed(config: Any, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("cache-1:" + "A" * 86 + "==")
    key.chmod(0o600)
    file = config(f'signing_key_files = ["{key}"]\n[zstd]\nlevel = 1')
    path = hide(tmp_path / "hide", "aiohttp", "cryptography", "zstandard")
    done = run("check-config", "--config", str(file), PYTHONPATH=path)
    assert (done.returncode, done.stderr.splitlines()) == (
        0,
        [
            "warning: the server: the Python module cryptography is missing: apt-get install python3-cryptography",
            "warning: zstd.level: the Python module zstandard is missing: apt-get install python3-zstandard",
        ],
    )
    done = run("serve", "--config", str(file), PYTHONPATH=path)
    reason = "the Python module cryptography is missing: apt-get install python3-cryptography"
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, f"{file}: {reason}")


def test_check_config_tells_what_is_to_be_mended(config: Any, tmp_path: Path, nix: Any) -> None:
    key = tmp_path / "key"
    nix("nix-store", "--generate-binary-cache-key", "cache-1", str(key), str(tmp_path / "public"))
    key.chmod(0o644)
    (tmp_path / "file").touch()
    file = config(
        f'signing_key_files = ["{key}"]',
        f'hot_tier = {{folder = "{tmp_path}/file", size = 1}}',
        f'upstreams.a = {{url = "http://a", public_keys = ["a:{"A" * 43}="]}}',
        'pull_through = {import_to_store = true, daemon_socket = "/nowhere/socket"}',
        'stores.other.real_store_dir = "/nowhere/store"',
        'views.a.store = "other"',
    )
    told = run("check-config", "--config", str(file)).stderr
    assert f"warning: signing_key_files: everybody on this host can read {key} (mode 0644): chmod o= {key}\n" in told
    assert f"warning: hot_tier.folder: {tmp_path}/file cannot be written: " in told
    assert "warning: pull_through.daemon_socket: /nowhere/socket cannot be reached: nothing is imported\n" in told
    assert "warning: /nowhere/store: Nix's database /nowhere/var/nix/db/db.sqlite cannot be read: No such file" in told
    assert "warning: /nowhere/store: there is no such folder: no path of this store is found\n" in told


def test_a_store_of_other_names_is_told(config: Any, store: Any) -> None:
    file = config('store_dir = "/opt/store"')
    assert "in '/nix/store'" not in run("check-config", "--config", str(file)).stderr
    store.add("x")
    told = run("check-config", "--config", str(file)).stderr
    assert f"{store.directory}: a path of it is in '/nix/store', none in '/opt/store': none is found" in told
    assert "a path of it" not in run("check-config", "--config", str(config())).stderr


def test_a_store_that_does_not_answer_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "stat", mock.Mock(side_effect=OSError(errno.ESTALE, "stale")))
    assert "/nix/store: there is no such folder: no path of this store is found" in warnings(parse_config(""))


def test_a_spool_that_cannot_be_made(config: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file/spool"
    file = config(
        f'upstreams.a = {{url = "http://a", public_keys = ["a:{"A" * 43}="]}}', f'pull_through.folder = "{folder}"'
    )
    done = run("check-config", "--config", str(file))
    assert done.returncode == 0
    assert f"warning: pull_through.folder: {folder} cannot be written: the server does not start\n" in done.stderr
    done = run("serve", "--config", str(file))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"{file}: pull_through.folder: {folder} cannot be made: Not a directory"


def test_an_address_that_is_taken(config: Any, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        file = tmp_path / "taken.toml"
        file.write_text(f'listen = ["127.0.0.1:{taken.getsockname()[1]}"]')
        done = run("serve", "--config", str(file))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    assert done.returncode == 1
    assert f"{file}: listen: {address}: Address already in use; 'ss -ltnp' tells who listens there\n" in done.stderr


def test_a_name_does_not_split_a_line_of_the_log() -> None:
    record = logging.LogRecord("nar_server", logging.ERROR, "", 0, "cannot read %s", ("a\nfalse: b\r",), None)
    assert OneLine("%(message)s").format(record) == r"cannot read a\nfalse: b\r"


@pytest.mark.parametrize("name", ["serve", "check-config"])
def test_mistakes(name: str, config: Any, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("cache-1:" + "A" * 86 + "==")
    for line, reason in (
        ("colour = 1", "colour: there is no such option"),
        (f'signing_key_files = ["{key}"]', "the public half inside the secret key 'cache-1' belongs to another"),
        (f'signing_key_files = ["{tmp_path}/none"]', f"signing_key_files: {tmp_path}/none: No such file"),
        (None, "No such file"),
    ):
        file = config(line) if line else tmp_path / "absent.toml"
        done = run(name, "--config", str(file))
        assert done.returncode == 1
        assert f"{file}: {reason}" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.fixture
def running(config: Any, tmp_path: Path) -> Iterator[Running]:
    """A server that said it was ready."""
    server = Running(config(), tmp_path)
    yield server
    server.close()


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_who_has_read_enough_is_told_no_more(config: Any, store: Any, unbuffered: str) -> None:
    for number in range(3):
        store.add(f"x{number}")
    ours, theirs = os.pipe()
    os.close(ours)
    with os.fdopen(theirs, "w") as pipe:
        done = subprocess.run(
            command("audit", "--config", str(config()), "--json"),
            env=os.environ | {"PYTHONPATH": str(LIBRARY), "PYTHONUNBUFFERED": unbuffered},
            stdout=pipe,
            stderr=subprocess.PIPE,
            check=False,
            timeout=30,
        )
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")


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


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("prioriti = 7", "did you mean 'priority'?"),
        ("a = " + "[" * 5000, "it is nested too deep"),
        ('log_dir = "/a\\u0000b"', "is not an absolute path"),
        ('stores.x.real_store_dir = "/nowhere/store"\nviews.a.store = "x"', "Is the store's folder right?"),
    ],
)
def test_a_reload_with_a_mistake_changes_nothing(running: Running, config: Any, line: str, reason: str) -> None:
    config(line)
    running.process.send_signal(signal.SIGHUP)
    assert reason in running.log_line("not reloaded, the old configuration stays: ")
    assert b"Priority: 30" in running.get("/nix-cache-info")
    config("priority = 7", 'policy = "all"')
    running.process.send_signal(signal.SIGHUP)
    running.log_line("view main: policy is 'all'")
    running.log_line("reloaded: ")
    assert b"Priority: 7" in running.get("/nix-cache-info")


def test_a_reload_with_more_upstreams_than_there_is_room_for_changes_nothing(
    running: Running, config: Any, tmp_path: Path
) -> None:
    config(
        f'pull_through.folder = "{tmp_path}/spool"',
        *(f'upstreams.a{number} = {{url = "http://a/{number}", public_keys = ["{KEY}"]}}' for number in range(600)),
    )
    running.process.send_signal(signal.SIGHUP)
    running.wait_for_state("READY=1")
    told = running.log_line("not reloaded, the old configuration stays: ")
    assert "config.toml: upstreams.a" in told
    assert ".url: there are 1023 series of metrics since the server started, and no more" in told
    assert "Traceback" not in running.rest_of_log()
    assert running.get("/health") == b"ok\n"
    assert b"Priority: 30" in running.get("/nix-cache-info")


def test_a_reload_whose_modules_are_missing_changes_nothing(config: Any, tmp_path: Path) -> None:
    running = Running(config(), tmp_path, PYTHONPATH=hide(tmp_path / "hide", "zstandard"))
    try:
        config("[zstd]", "level = 3")
        running.process.send_signal(signal.SIGHUP)
        assert "no zstandard" in running.log_line("not reloaded, the old configuration stays: ")
        config("priority = 7")
        running.process.send_signal(signal.SIGHUP)
        running.log_line("reloaded: ")
    finally:
        running.close()


def test_what_needs_a_restart_is_told_until_it_is_undone(running: Running, config: Any) -> None:
    true = config().read_text()
    for text, told in ((true.replace(":0", ":1"), True), (true.replace(":0", ":1"), True), (true, False)):
        config().write_text(text)
        running.process.send_signal(signal.SIGHUP)
        if told:
            running.log_line("'listen' takes effect when the server restarts")
        running.log_line("reloaded: ")
    assert "takes effect" not in running.rest_of_log()


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


def test_signs_of_life_that_nobody_takes(config: Any, tmp_path: Path) -> None:
    server = Running(config(), tmp_path, WATCHDOG_USEC="150000")
    try:
        (tmp_path / "notify").unlink()
        server.process.send_signal(signal.SIGHUP)
        server.log_line("reloaded: ")
        assert server.get("/health") == b"ok\n"
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(10) == 0
    finally:
        server.close()


def test_signs_of_life_that_wait_to_be_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who listens and takes nothing keeps nobody from all else."""
    address = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as taker,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as full,
    ):
        taker.bind(address)
        full.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                full.sendto(b"x", address)
        telling = threading.Thread(target=notify, args=("WATCHDOG=1",), daemon=True)
        telling.start()
        telling.join(5)
        assert not telling.is_alive()


def test_stats(running: Running, store: Any, tmp_path: Path) -> None:
    path = store.add("x")
    running.get(f"/{path.hash_part}.narinfo")
    assert len(running.get(path.url)) == len(path.nar)
    with pytest.raises(HTTPError, match="404"):
        running.get(path.url.replace(path.hash_part, "0" * 32))
    file = tmp_path / "stats.toml"
    file.write_text(f'listen = ["{running.address}"]')
    # The server is on this machine, whatever a proxy is for.
    done = run("stats", "--config", str(file), "--json", http_proxy="http://127.0.0.1:1")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"main": {"paths": 1, "narinfos": 1, "nars": 1, "bytes": len(path.nar)}}
    assert run("stats", "--config", str(file)).stdout.startswith("main: paths 1, narinfos 1, nars 1, bytes ")
    store.database.rename(tmp_path / "elsewhere")
    done = run("stats", "--config", str(file))
    url = f"http://{running.address}/stats.json"
    assert (done.returncode, done.stderr) == (1, f"{url}: the server answers 503: the store cannot be read just now\n")
    running.close()
    done = run("stats", "--config", str(file))
    assert done.returncode == 1
    assert done.stderr == f"{url}: Connection refused. Is the server running?\n"
