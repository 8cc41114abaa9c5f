"""Several processes on the same sockets: what all of them know, and what happens when one of them is not well."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from .running import LIBRARY, Running, command


def write(folder: Path, store: Any, *lines: str) -> Path:
    config = folder / "config.toml"
    config.write_text(
        "\n".join(['listen = ["127.0.0.1:0"]', "workers = 2", f'real_store_dir = "{store.directory}"', *lines])
    )
    return config


@pytest.fixture
def running(store: Any, tmp_path: Path) -> Iterator[Running]:
    """A server with two workers that are both serving."""
    server = Running(write(tmp_path, store), tmp_path)
    yield server
    server.close()


def ask(connection: HTTPConnection, target: str) -> bytes:
    connection.request("GET", target)
    return connection.getresponse().read()


def eventually(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_worker_that_dies_is_replaced(running: Running) -> None:
    first, second = running.workers()
    to_first, to_second = running.connections()
    os.kill(first, signal.SIGKILL)
    assert b"Priority: 30" in ask(to_second, "/nix-cache-info")
    assert running.get("/health") == b"ok\n"
    assert "ended with status -9" in running.log_line("worker ")
    eventually(lambda: len(running.workers()) == 2)
    # Nobody else is left to answer.
    os.kill(second, signal.SIGKILL)
    assert running.get("/health") == b"ok\n"
    assert first not in running.workers()
    for connection in (to_first, to_second):
        connection.close()


def test_a_reload_reaches_all_without_a_lost_connection(running: Running, store: Any, tmp_path: Path) -> None:
    kept = running.connections()
    workers = running.workers()
    write(tmp_path, store, "prioriti = 7")
    running.process.send_signal(signal.SIGHUP)
    assert "did you mean 'priority'?" in running.log_line("not reloaded, the old configuration stays: ")
    running.wait_for_state("READY=1")
    assert all(b"Priority: 30" in ask(connection, "/nix-cache-info") for connection in kept)
    config = write(tmp_path, store, "priority = 7")
    config.write_text(config.read_text().replace("workers = 2", "workers = 3"))
    running.process.send_signal(signal.SIGHUP)
    running.wait_for_state("READY=1")
    assert all(b"Priority: 7" in ask(connection, "/nix-cache-info") for connection in kept)
    assert running.workers() == workers
    assert "'workers' takes effect when the server restarts" in running.log_line("'workers'")
    # One that takes another's place serves what was read last.
    os.kill(workers[0], signal.SIGKILL)
    running.log_line("worker ")
    eventually(lambda: len(running.workers()) == 2)
    replaced = running.connections()
    assert all(b"Priority: 7" in ask(connection, "/nix-cache-info") for connection in replaced)
    for connection in (*kept, *replaced):
        connection.close()


def test_all_workers_count_together(running: Running, store: Any) -> None:
    path = store.add("x")
    connections = running.connections()
    for connection in connections:
        for _ in range(3):
            assert b"StorePath: " in ask(connection, f"/{path.hash_part}.narinfo")
    for connection in connections:
        metrics = ask(connection, "/metrics").decode()
        assert 'nar_server_requests_total{view="main",kind="narinfo"} 6\n' in metrics
        assert 'nar_server_withheld_paths_total{view="main"} 1\n' in metrics
        connection.close()
    assert running.rest_of_log().count("nothing vouches for") == 1


def test_all_workers_finish_what_is_under_way(running: Running, store: Any, trees: Any) -> None:
    path = store.add("x", trees["large"])
    answers = []
    connections = running.connections()
    for connection in connections:
        connection.request("GET", path.url)
        answers.append(connection.getresponse())
    running.process.send_signal(signal.SIGTERM)
    running.wait_for_state("STOPPING=1")
    assert all(answer.read() == path.nar for answer in answers)
    assert running.process.wait(20) == 0
    assert running.processes() == []
    for connection in connections:
        connection.close()


def test_a_worker_that_hangs_stops_the_signs_of_life(store: Any, tmp_path: Path) -> None:
    running = Running(write(tmp_path, store), tmp_path, WATCHDOG_USEC="600000")
    try:
        running.wait_for_state("WATCHDOG=1")
        hung, _other = running.workers()
        os.kill(hung, signal.SIGSTOP)
        assert running.silent(2, messages=50)
        # The other one serves on, until systemd starts the server anew.
        assert running.get("/health") == b"ok\n"
        os.kill(hung, signal.SIGCONT)
        running.wait_for_state("WATCHDOG=1")
    finally:
        running.close()


def test_workers_end_when_the_main_process_is_gone(running: Running) -> None:
    workers = running.workers()
    running.process.kill()
    running.process.wait()
    eventually(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))


def test_what_cannot_be_served_ends_the_start(store: Any, tmp_path: Path) -> None:
    key = "cache-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="
    config = write(
        tmp_path,
        store,
        f'[upstreams.near]\nurl = "http://127.0.0.1:1"\npublic_keys = ["{key}"]',
        f'[pull_through]\nfolder = "{tmp_path}/config.toml/spool"',
    )
    done = subprocess.run(
        command("serve", "--config", str(config)),
        env=os.environ | {"PYTHONPATH": str(LIBRARY)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert f"{tmp_path}/config.toml/spool" in done.stderr
    assert "Traceback" not in done.stderr
