"""What goes wrong around the server while Nix fetches from it: connections are cut, paths are collected."""

from __future__ import annotations

import contextlib
import random
import shutil
import socket
import sqlite3
import threading
from pathlib import Path
from typing import Any

from .bounds import many
from .test_nix_clients import client, filled


class CuttingProxy:
    """Passes connections on, and cuts each after so many bytes as ``random`` says; some never."""

    def __init__(self, port: int, random_: random.Random) -> None:
        self._backend = port
        self._random = random_
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _address = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._backend))
                limit = self._random.choice([self._random.randrange(2000), self._random.randrange(200_000), None])
                threading.Thread(target=self._pass, args=(near, far, None), daemon=True).start()
                threading.Thread(target=self._pass, args=(far, near, limit), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, limit: int | None) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if limit is not None and len(data) >= limit:
                    sink.sendall(data[:limit])
                    self.cuts += 1
                    break
                limit = None if limit is None else limit - len(data)
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()


def test_nix_through_a_proxy_that_cuts(nix: Any, tmp_path: Path, serve: Any, make_key: Any) -> None:
    store, paths = filled(nix, tmp_path / "server", 20)
    large = tmp_path / "large"
    large.write_bytes(random.Random(0).randbytes(300_000))
    paths.append(nix("nix-store", "--store", f"local?root={tmp_path / 'server'}", "--add", str(large)))
    store.execute("update ValidPaths set ultimate = 1")
    outcomes = []
    with serve(store, sign_with=[make_key("ours-1")]) as server:
        for seed in range(many(6)):
            proxy = CuttingProxy(server.port, random.Random(seed))
            root = tmp_path / f"client{seed}"
            options = (*client(proxy.port, make_key("ours-1")), "--option", "download-attempts", "2")
            command = ("nix-store", "--store", f"local?root={root}", *options, "--realise", paths[-2], paths[-1])
            done = nix.run(*command, succeed=False)
            proxy.close()
            with contextlib.closing(sqlite3.connect(root / "nix/var/nix/db/db.sqlite")) as database:
                valid = [path for (path,) in database.execute("select path from ValidPaths")]
            for path in valid:
                name = Path(path).name
                assert (root / "nix/store" / name).read_bytes() == (store.directory / name).read_bytes()
            assert (done.returncode == 0) == (set(valid) == set(paths))
            outcomes.append((done.returncode == 0, proxy.cuts > 0))
            shutil.rmtree(root)
    # Not all of them were spared.
    assert any(cut for _succeeded, cut in outcomes)


def test_collected_while_it_is_sent(nix: Any, tmp_path: Path, serve: Any) -> None:
    """Nix's own collector: it renames the path away, then removes it."""
    root = tmp_path / "server"
    source = tmp_path / "source"
    source.mkdir()
    for number in range(40):
        (source / f"{number:02}").write_bytes(b"%d" % (number % 10) * (100_000 if number % 2 else 400_000))
    path = nix("nix-store", "--store", f"local?root={root}", "--add", str(source))
    store, _paths = filled(nix, root, 1)
    nar_hash = nix("nix-store", "--store", f"local?root={root}", "--query", "--hash", path).partition(":")[2]
    url = f"/nar/{nar_hash}.nar?hash={Path(path).name[:32]}"
    with serve(store) as server:
        whole = server.ask(url)
        assert whole.whole

        def collect() -> None:
            nix("nix-store", "--store", f"local?root={root}", "--delete", path)

        answer = server.ask(url, between=collect)
        assert answer.status == 200
        assert whole.body.startswith(answer.body)
        assert not answer.whole
        for gone in (url, f"/{Path(path).name[:32]}.narinfo"):
            assert server.ask(gone).status == 404
