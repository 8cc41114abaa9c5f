"""Two servers behind the role's nginx, of which the first is killed while real clients fetch a closure."""

from __future__ import annotations

import base64
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nixvegas.noc.tests.reverse_proxy import reverse_proxy
from nar_server.keys import SecretKey

from .running import Running
from .test_nix_clients import STORE, client

MIB = 2**20
SMALL_PATHS = 300
# More than nginx and the sockets between it and a server hold, and at this rate some seconds: the kill falls into them.
LARGE_BYTES = 24 * MIB
RATE = "6m"
CONNECTIONS = 16
ESTABLISHED = "01"


def add_closure(store: Any, large_paths: int) -> list[str]:
    """The names of what the store has built: the last refers to all others."""
    names = [store.add(f"small{index}", b"%d" % index * 1000, ultimate=1).base_name for index in range(SMALL_PATHS)]
    names += [
        store.add(f"large{index:x}", b"%x" % index * LARGE_BYTES, ultimate=1).base_name for index in range(large_paths)
    ]
    content = "\n".join(f"{STORE}/{name}" for name in names).encode()
    return [*names, store.add("root", content, references=names, ultimate=1).base_name]


@pytest.fixture
def servers(store: Any, tmp_path: Path, make_key: Callable[[str], SecretKey]) -> Iterator[list[Running]]:
    """Two servers over the store, each with its own processes."""
    key = make_key("ours-1")
    (tmp_path / "key").write_text(f"{key.name}:{base64.b64encode(key.seed + key.public.data).decode()}")
    started = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        config = (
            f'listen = ["127.0.0.1:0"]\nreal_store_dir = "{store.directory}"\nsigning_key_files = ["{tmp_path}/key"]\n'
        )
        (folder / "config.toml").write_text(config)
        started.append(Running(folder / "config.toml", folder))
    yield started
    for server in started:
        server.close()


def nars_asked(server: Running) -> int:
    found = re.search(r'nar_server_requests_total\{view="main",kind="nar"\} (\d+)', server.get("/metrics").decode())
    return int(found[1]) if found else 0


def connections(port: int) -> int:
    """How many connections clients have to a port of this machine (proc(5))."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()]
    return sum((words[1], words[3]) == (f"0100007F:{port:04X}", ESTABLISHED) for words in lines)


# nix copy takes as many paths at once as there are processors.
@pytest.mark.parametrize(
    ("command", "large_paths", "at_once"),
    [
        (("nix", "copy", "--from", "{cache}", "--to", "{target}"), 2, 1),
        (("nix-store", "--store", "{target}", "--realise"), CONNECTIONS, CONNECTIONS),
    ],
    ids=["copy", "realise"],
)
def test_a_client_does_not_notice_that_the_first_server_is_killed(  # noqa: PLR0917
    nix: Any,
    tmp_path: Path,
    store: Any,
    servers: list[Running],
    make_key: Callable[[str], SecretKey],
    command: tuple[str, ...],
    large_paths: int,
    at_once: int,
) -> None:
    closure = add_closure(store, large_paths)
    first, second = servers
    wanted, target = f"{STORE}/{closure[-1]}", f"local?root={tmp_path / 'client'}"
    ports = [int(server.address.rpartition(":")[2]) for server in servers]
    with reverse_proxy(tmp_path / "nginx", ports, name="localhost", rate=RATE) as front:
        cache = f"http://localhost:{front.port}"
        options = [*client(front.port, make_key("ours-1")), "--option", "substituters", cache]
        # The second says how many paths are substituted at once up to Nix 2.18, the third from then on.
        for option in ("http-connections", "max-jobs", "max-substitution-jobs"):
            options += ["--option", option, str(CONNECTIONS)]
        words = [word.format(cache=cache, target=target) for word in command]
        fetching = nix.start(*words, *options, wanted)
        # Nix writes a path where it will be while it comes.
        while not list((tmp_path / "client").glob("nix/store/*-large?")) or connections(front.port) < at_once:
            assert fetching.poll() is None, fetching.communicate()
            time.sleep(0.01)
        assert (nars_asked(first) > 0, nars_asked(second)) == (True, 0)
        os.killpg(first.process.pid, signal.SIGKILL)
        _, said = fetching.communicate(timeout=120)
        assert fetching.returncode == 0, said.decode()
        assert "while reading upstream" in front.errors, "no NAR was under way when the server was killed"
    assert nars_asked(second) > 0
    there = {path.name for path in (tmp_path / "client/nix/store").iterdir() if not path.name.startswith(".")}
    assert there == set(closure)
    nix("nix", "store", "verify", "--store", target, "--sigs-needed", "1", "--recursive", *options, wanted)
