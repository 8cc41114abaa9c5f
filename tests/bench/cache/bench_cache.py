"""The NAR server beside nginx (one worker, prebuilt files) with a closure shaped like firefox's, round by round.

    python tests/bench/cache/bench_cache.py [--rounds 3] [--scale 1.0] [--folder FOLDER]

Prints medians and ratios, with the goal of each. ``--scale 0.05`` makes a small closure to try it. Wants nginx and Nix
(packages-test.txt) and, at full scale, 8 GiB below FOLDER (default: a temporary one), which are removed at the end.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import os
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1]), str(HERE.parents[2] / "roles/nar_server/files")]

from closure import STORE_DIR, Made, Shape, make  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: E402
from nar_server.keys import SecretKey  # noqa: E402
from nar_server.signing import Signer  # noqa: E402
from reverse_proxy import reverse_proxy  # noqa: E402
from servers import Server, nginx, ours  # noqa: E402

CONNECTIONS = (1, 4, 16)
GIB = 2**30
ROWS = 150_000
SLOW_READERS = 100


@dataclass
class Bench:
    """The closure on disk, and what has been measured."""

    root: Path
    paths: list[Made]
    public_key: str
    times: dict[str, list[float]] = field(default_factory=dict)

    @property
    def store(self) -> Path:
        return self.root / "store/nix/store"

    def client(self, kind: str, server: Server, connections: int) -> float:
        """Seconds of one measurement by the client."""
        command = [sys.executable, str(HERE / "client.py"), kind, str(server.port), str(connections)]
        done = subprocess.run([*command, str(self.root / kind)], check=True, capture_output=True, text=True)
        return float(done.stdout)

    def note(self, name: str, seconds: float) -> None:
        self.times.setdefault(name, []).append(seconds)

    def median(self, name: str) -> float:
        return statistics.median(self.times[name])

    def copy(self, server: Server) -> float:
        """Seconds of a real ``nix copy`` of the closure into an empty store."""
        target = self.root / "target"
        options = {"require-sigs": "true", "trusted-public-keys": self.public_key, "narinfo-cache-positive-ttl": "0"}
        words = [word for name, value in options.items() for word in ("--option", name, value)]
        environment = {
            "HOME": str(self.root),
            "NIX_CONF_DIR": str(self.root),
            "NIX_REMOTE": f"local?root={self.root}/n",
        }
        config = "build-users-group =\nexperimental-features = nix-command\nfsync-metadata = false\nsubstituters =\n"
        command = ["nix", "copy", *words, "--from", f"http://127.0.0.1:{server.port}", "--to", f"local?root={target}"]
        started = time.perf_counter()
        wanted = [f"{STORE_DIR}/{made.info.path}" for made in self.paths]
        subprocess.run(
            [*command, *wanted], env=os.environ | environment | {"NIX_CONFIG": config}, check=True, capture_output=True
        )
        seconds = time.perf_counter() - started
        subprocess.run(["chmod", "-R", "u+w", target], check=True)
        shutil.rmtree(target)
        return seconds


def prepare(root: Path, scale: float) -> Bench:
    """Make the closure and the lists the client reads."""
    private = Ed25519PrivateKey.generate()
    seed, public = private.private_bytes_raw(), private.public_key().public_bytes_raw()
    text = f"bench-1:{base64.b64encode(seed + public).decode()}"
    (root / "key").write_text(text)
    full = Shape()
    shape = Shape(*(max(1, int(value * scale)) for value in (full.paths, full.small_files, full.small_bytes)))
    if scale != 1:
        shape = Shape(
            shape.paths,
            shape.small_files,
            shape.small_bytes,
            int(full.large_files * scale),
            int(full.large_bytes * scale),
        )
    paths = make(root / "store", root / "flat", Signer(SecretKey.parse(text)), shape)
    (root / "nars").write_text("".join(f"{made.url} {made.info.nar_size}\n" for made in paths))
    (root / "narinfos").write_text("".join(f"{made.narinfo}\n" for made in paths))
    return Bench(root, paths, f"bench-1:{base64.b64encode(public).decode()}")


def compare_nars(bench: Bench, flat: Server, rounds: int) -> None:
    """NARs at each number of connections: the first request ever, without a tier, and from the hot tier."""
    for number in range(rounds):
        for connections in CONNECTIONS:
            tier = bench.root / f"tier-{number}-{connections}"
            bench.note(f"nginx {connections}", bench.client("nars", flat, connections))
            with ours(bench.store, bench.root / "key", bench.root / "a.toml") as server:
                bench.note(f"first {connections}", bench.client("nars", server, connections))
                bench.note(f"warm {connections}", bench.client("nars", server, connections))
            bench.note(f"nginx {connections}", bench.client("nars", flat, connections))
            with ours(bench.store, bench.root / "key", bench.root / "b.toml", tier=tier) as server:
                bench.client("nars", server, connections)
                end = time.monotonic() + 600
                while len(list(tier.glob("*.pack"))) < len(bench.paths) and time.monotonic() < end:
                    time.sleep(0.2)
                bench.note(f"hot {connections}", bench.client("nars", server, connections))
                bench.note("tier", float(sum(pack.stat().st_size for pack in tier.iterdir())))
            shutil.rmtree(tier)


def compare_rest(bench: Bench, flat: Server, rounds: int) -> None:
    """Narinfos with and without nginx in front, and ``nix copy``."""
    with (
        ours(bench.store, bench.root / "key", bench.root / "c.toml", tier=bench.root / "tier") as server,
        reverse_proxy(bench.root / "proxy", [server.port]) as front,
    ):
        proxy = Server("proxy", front.port, front.process, 0)
        for _ in range(rounds):
            bench.note("narinfo nginx", bench.client("narinfos", flat, 1))
            bench.note("narinfo ours", bench.client("narinfos", server, 1))
            bench.note("narinfo proxy", bench.client("narinfos", proxy, 1))
            bench.note("narinfos nginx", bench.client("narinfos", flat, 16))
            bench.note("narinfos ours", bench.client("narinfos", server, 16))
            bench.note("copy nginx", bench.copy(flat))
            bench.note("copy ours", bench.copy(server))


def slow_readers(bench: Bench) -> int:
    """The most memory, in bytes, while many slow readers take a NAR of 5 GiB."""
    made = bench.paths[0]
    root = bench.root / "large"
    store, database = root / "nix/store", root / "nix/var/nix/db/db.sqlite"
    store.mkdir(parents=True)
    database.parent.mkdir(parents=True)
    shutil.copy(bench.root / "store/nix/var/nix/db/db.sqlite", database)
    file = store / str(made.info.path)
    file.touch()
    os.truncate(file, 5 * GIB)
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "update ValidPaths set narSize = ? where path = ?", (5 * GIB + 112, f"{STORE_DIR}/{made.info.path}")
        )
    with ours(store, bench.root / "key", root / "config.toml") as server:
        readers = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(SLOW_READERS)]
        for reader in readers:
            reader.sendall(f"GET {made.url} HTTP/1.1\r\nHost: cache\r\n\r\n".encode())
        for _ in range(20):
            for reader in readers:
                if not reader.recv(65536):
                    raise RuntimeError("a slow reader was cut")
        memory = server.memory()
        for reader in readers:
            reader.close()
    return memory


def many_rows(bench: Bench, rounds: int) -> None:
    """Start-up and narinfos beside many other rows."""
    with contextlib.closing(sqlite3.connect(bench.root / "store/nix/var/nix/db/db.sqlite")) as connection, connection:
        rows = ((f"{STORE_DIR}/{number:032}-x", f"sha256:{number:064x}", 1, 1000) for number in range(ROWS))
        connection.executemany(
            "insert into ValidPaths (path, hash, registrationTime, narSize) values (?, ?, ?, ?)", rows
        )
    for _ in range(rounds):
        with ours(bench.store, bench.root / "key", bench.root / "d.toml") as server:
            bench.note("start", server.started_seconds)
            bench.note("narinfo rows", bench.client("narinfos", server, 1))


def report(bench: Bench, memory: int) -> None:
    """Print medians, ratios and goals."""
    median: Callable[[str], float] = bench.median

    def row(name: str, value: str, ratio: float | None, goal: str) -> None:
        print(f"| {name} | {value} | {'' if ratio is None else f'{ratio:.2f}'} | {goal} |")

    print("| | median | ratio to nginx | goal |\n|---|---|---|---|")
    for kind, goal in (("hot", "≤ 1.1"), ("warm", "≤ 1.6"), ("first", "≤ 2.5")):
        for connections in CONNECTIONS:
            seconds, theirs = median(f"{kind} {connections}"), median(f"nginx {connections}")
            row(f"NARs, {kind}, {connections} connections", f"{seconds:.2f} s", seconds / theirs, goal)
    for kind, goal in (("proxy", "≤ 1.25"), ("ours", "")):
        ratio = median(f"narinfo {kind}") / median("narinfo nginx")
        row(f"narinfo, one connection, {kind}", f"{median(f'narinfo {kind}') * 1e6:.0f} µs", ratio, goal)
    rate = 1 / median("narinfos ours")
    row("narinfos a second", f"{rate:.0f}", median("narinfos nginx") * rate, "≥ 0.4")
    row("nix copy", f"{median('copy ours'):.1f} s", median("copy ours") / median("copy nginx"), "≤ 1.0")
    row(f"memory, {SLOW_READERS} slow readers of 5 GiB", f"{memory / 2**20:.0f} MiB", None, "< 256 MiB")
    row(f"start, {ROWS} rows", f"{median('start'):.2f} s", None, "< 1 s")
    print(
        f"| narinfo, {ROWS} rows to few | {median('narinfo rows') * 1e6:.0f} µs | "
        f"{median('narinfo rows') / median('narinfo ours'):.2f} (to ours) | 1 |"
    )
    total = sum(made.info.nar_size for made in bench.paths)
    print(
        f"\n{len(bench.paths)} paths, {total / 2**20:.0f} MiB of NARs; their packs {median('tier') / total:.0%} of that"
    )


def main() -> None:
    """Run it all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    # So that what was started and made is cleaned up when it is told to stop.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="bench-cache-") as folder:
        bench = prepare(Path(folder), options.scale)
        with nginx(bench.root / "nginx", f"root {bench.root / 'flat'};") as flat:
            compare_nars(bench, flat, options.rounds)
            compare_rest(bench, flat, options.rounds)
        memory = slow_readers(bench)
        many_rows(bench, options.rounds)
        report(bench, memory)


if __name__ == "__main__":
    main()
