"""Pulling with several processes: one fetch, whichever of them clients are connected to."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from http.client import IncompleteRead
from pathlib import Path
from typing import Any

import pytest

from ..bounds import many
from ..running import Running


@pytest.fixture
def running(store: Any, fake: Any, tmp_path: Path) -> Iterator[Running]:
    config = tmp_path / "config.toml"
    config.write_text(
        f"""
        listen = ["127.0.0.1:0"]
        workers = 2
        real_store_dir = "{store.directory}"
        [upstreams.near]
        url = "{fake.url}"
        public_keys = ["{fake.key.public}"]
        [pull_through]
        folder = "{tmp_path / "spool"}"
        """
    )
    server = Running(config, tmp_path)
    yield server
    server.close()


def test_clients_of_all_workers_cost_one_fetch(running: Running, fake: Any, tmp_path: Path) -> None:
    path = fake.add("x", b"x" * 3_000_000)
    fake.hold = True
    url = f"/nar/{path.info.nar_hash_base32}.nar?hash={path.hash_part}"
    early, late = running.connections(), running.connections()
    for connection in early:
        connection.request("GET", url)
    answers = [connection.getresponse() for connection in early]
    # The first half has come, and is read by a client of each worker before the second one does.
    beginnings = [answer.read(100_000) for answer in answers]
    for connection in late:
        connection.request("GET", url)
    answers += [connection.getresponse() for connection in late]
    fake.go_on.set()
    bodies = [beginning + answer.read() for beginning, answer in zip([*beginnings, b"", b""], answers, strict=True)]
    assert bodies == [path.nar] * 4
    assert fake.nars() == 1
    for connection in (*early, *late):
        connection.request("GET", f"/{path.hash_part}.narinfo")
        assert connection.getresponse().status == 200
        connection.close()
    assert [file.name for file in (tmp_path / "spool").glob("*.part")] == []


def test_a_fetch_goes_on_when_its_client_leaves(running: Running, fake: Any, tmp_path: Path) -> None:
    path = fake.add("x", b"x" * 3_000_000)
    fake.hold = True
    nar = f"{path.info.nar_hash_base32}.nar"
    with running.connect() as client:
        client.sendall(f"GET /nar/{nar}?hash={path.hash_part} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert client.recv(12) == b"HTTP/1.1 200"
    # The server learns of it.
    time.sleep(0.3)
    fake.go_on.set()
    end = time.monotonic() + 20
    while not (tmp_path / "spool" / nar).exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    assert (tmp_path / "spool" / nar).read_bytes() == path.nar
    assert fake.nars() == 1


def test_a_fetch_whose_worker_dies_is_begun_again(running: Running, fake: Any, tmp_path: Path) -> None:
    path = fake.add("x", b"x" * 3_000_000)
    fake.hold = True
    url = f"/nar/{path.info.nar_hash_base32}.nar?hash={path.hash_part}"
    fetching, _other = running.workers()
    first, second = running.connections()
    first.request("GET", url)
    cut = first.getresponse()
    assert cut.read(100_000) == path.nar[:100_000]
    os.kill(fetching, signal.SIGKILL)
    with pytest.raises((IncompleteRead, ConnectionResetError)):
        cut.read()
    running.log_line("worker ")
    assert list((tmp_path / "spool").iterdir()) == []
    fake.go_on.set()
    second.request("GET", url)
    assert second.getresponse().read() == path.nar
    for connection in (first, second):
        connection.close()


def test_a_worker_that_stops_finishes_what_clients_of_another_one_read(running: Running, fake: Any) -> None:
    # Sockets take less than half of it, so who leaves is noticed.
    path = fake.add("x", b"x" * 24_000_000)
    fake.hold = True
    leaving, staying = running.connections()
    answers = []
    for connection in (leaving, staying):
        connection.request("GET", f"/nar/{path.info.nar_hash_base32}.nar?hash={path.hash_part}")
        answers.append(connection.getresponse())
    assert fake.half_sent.wait(20)
    descriptors = Path(f"/proc/{running.workers()[0]}/fd")
    open_before = len(list(descriptors.iterdir()))
    for each in (answers[0], leaving):
        each.close()
    while len(list(descriptors.iterdir())) == open_before:
        time.sleep(0.01)
    running.process.send_signal(signal.SIGTERM)
    running.wait_for_state("STOPPING=1")
    time.sleep(0.3)
    fake.go_on.set()
    assert answers[1].read() == path.nar
    assert running.process.wait(20) == 0
    staying.close()


def test_a_narinfo_that_is_being_asked_for_outlives_a_reload(running: Running, fake: Any) -> None:
    fake.pause = 1
    connections = running.connections()
    for number, connection in enumerate(connections):
        connection.request("GET", f"/{fake.add(f'{number}').hash_part}.narinfo")
    while sum(fake.requests.values()) < len(connections):
        time.sleep(0.01)
    running.process.send_signal(signal.SIGHUP)
    running.wait_for_state("READY=1")
    for connection in connections:
        answer = connection.getresponse()
        assert (answer.status, answer.read()[:9]) == (200, b"StorePath")
        connection.close()
    assert "left out" not in running.rest_of_log()


def test_clients_that_come_at_once(running: Running, fake: Any) -> None:
    """One fetch for each path, whoever of the workers was first."""
    connections = [connection for _ in range(3) for connection in running.connections()]
    for number in range(many(30)):
        path = fake.add(f"x{number}", b"%d" % number * 5_000)
        for connection in connections:
            connection.request("GET", f"/nar/{path.info.nar_hash_base32}.nar?hash={path.hash_part}")
        assert all(connection.getresponse().read() == path.nar for connection in connections)
        assert fake.nars() == number + 1
    for connection in connections:
        connection.close()
