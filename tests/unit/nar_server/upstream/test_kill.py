"""A server that pulls and fills its hot tier, killed at any moment, and on full disks: never a wrong byte for whole."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ..bounds import many
from ..running import Running

MIB = 2**20
# Paths of the server's own store.
OWN = 2


@dataclass
class Got:
    """An answer; ``body`` is None when it was cut."""

    status: int
    body: bytes | None


def get(address: str, target: str) -> Got:
    """Ask; status 0 when nobody answers."""
    connection = http.client.HTTPConnection(address, timeout=60)
    try:
        connection.request("GET", target)
        answer = connection.getresponse()
        with contextlib.suppress(http.client.IncompleteRead):
            return Got(answer.status, answer.read())
        return Got(answer.status, None)
    except (OSError, http.client.HTTPException):
        return Got(0, None)
    finally:
        connection.close()


class Front:
    """A server with a store of its own, a hot tier, and an upstream that it pulls from; started anew at will."""

    def __init__(self, folder: Path, store: Any, fake: Any) -> None:
        self._folder = folder
        self.spool, self.hot = folder / "spool", folder / "hot"
        for each in (self.spool, self.hot):
            each.mkdir()
        self._config = folder / "front.toml"
        self._config.write_text(
            f"""
            listen = ["127.0.0.1:0"]
            real_store_dir = "{store.directory}"
            [upstreams.near]
            url = "{fake.url}"
            public_keys = ["{fake.key.public}"]
            [pull_through]
            folder = "{self.spool}"
            [hot_tier]
            folder = "{self.hot}"
            size = "1 GiB"
            """
        )

    @contextlib.contextmanager
    def run(self, *prefix: str) -> Iterator[Running]:
        """The server, behind the words of ``prefix``."""
        (self._folder / "notify").unlink(missing_ok=True)
        running = Running(self._config, self._folder, prefix=prefix)
        try:
            yield running
        finally:
            running.close()


@pytest.fixture
def front(tmp_path: Path, store: Any, fake: Any) -> Front:
    folder = tmp_path / "front"
    folder.mkdir()
    return Front(folder, store, fake)


def small_files(real: Path) -> None:
    real.mkdir()
    for number in range(400):
        (real / f"{number}").write_bytes(f"{real.name}{number}".encode() * 500)


def nar_url(path: Any) -> str:
    return f"/nar/{path.info.nar_hash_base32}.nar?hash={path.hash_part}"


def eventually(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_killed_at_any_moment(front: Front, store: Any, fake: Any) -> None:
    chance = random.Random(1)
    for round_ in range(many(4)):
        pulled = [fake.add(f"p{round_}-{n}", chance.randbytes(1_500_000), ("xz", "zstd", "none")[n]) for n in range(3)]
        own = [store.add(f"s{round_}-{n}", small_files) for n in range(OWN)]
        right = {nar_url(path): path.nar for path in pulled} | {path.url: path.nar for path in own}
        got: list[tuple[str, Got]] = []
        with front.run() as running:

            def ask(target: str, address: str = running.address, got: list[tuple[str, Got]] = got) -> None:
                got.append((target, get(address, target)))

            clients = [threading.Thread(target=ask, args=(target,)) for target in right for _ in range(2)]
            for each in clients:
                each.start()
            time.sleep(chance.uniform(0, 0.6))
            os.killpg(running.process.pid, signal.SIGKILL)
            for each in clients:
                each.join(60)
        assert len(got) == 2 * len(right)
        for target, answer in got:
            assert answer.body in (None, right[target])
        with front.run() as running:
            for target, nar in right.items():
                # Whatever was left behind: the path is had again, and right, twice.
                assert [get(running.address, target).body for _ in range(2)] == [nar] * 2
            eventually(lambda: len(list(front.hot.glob("*.pack"))) == OWN)
            assert [get(running.address, path.url).body for path in own] == [path.nar for path in own]
            assert not list(front.spool.glob("*.part"))
            assert "Traceback" not in running.rest_of_log()
        for path in own:
            shutil.rmtree(path.real)
        for folder in (front.spool, front.hot):
            for file in folder.iterdir():
                file.unlink()


def test_full_disks(front: Front, store: Any, fake: Any) -> None:
    """File systems of 2 MiB for spool and hot tier."""
    small, large = fake.add("small", os.urandom(300_000)), fake.add("large", os.urandom(3 * MIB))
    own = store.add("own", small_files)
    mounts = "; ".join(f"mount -t tmpfs -o size=2m tmpfs {folder}" for folder in (front.spool, front.hot))
    namespace = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    with front.run(*namespace, "sh", "-ec", f'{mounts}; exec "$@"', "sh") as running:
        for _ in range(2):
            assert get(running.address, nar_url(small)) == Got(200, small.nar)
            # Never whole, whatever its status: there is no room to verify it in.
            assert get(running.address, nar_url(large)).body != large.nar
            assert get(running.address, own.url) == Got(200, own.nar)
        assert get(running.address, "/health").status == 200
        running.log_line("not in the hot tier: ")
        assert "Traceback" not in running.rest_of_log()
    assert list(front.spool.iterdir()) == list(front.hot.iterdir()) == []
