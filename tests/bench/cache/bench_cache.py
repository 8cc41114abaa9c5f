"""The NAR server beside nginx (one worker, prebuilt files) with a closure shaped like firefox's, round by round.

    python tests/bench/cache/bench_cache.py [--rounds 3] [--scale 1.0] [--client curl] [--folder FOLDER]
        [--harmonia PROGRAM]

Prints medians and ratios, with the goal of each. ``--scale 0.01 --rounds 1`` tries in a minute whether it runs: of a
closure that small the ratios say nothing. ``--client sockets`` fetches NARs over plain sockets, with less work in the
client than Nix has. ``--harmonia`` compares with that server too: PROGRAM is ``harmonia-cache`` of its version 3. Our
server runs with the Python that the role's unit runs it with. What was measured while a hypervisor gave the processors
to others is measured again. Wants nginx, curl, Nix and Debian's Python (packages-test.txt) and, at full scale, 8 GiB
below FOLDER (default: a temporary one), which are removed at the end, and 2 GiB of memory for the stores that
``nix copy`` fills, since the disk's part in it is not to be measured.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import functools
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1]), str(HERE.parents[2] / "roles/nar_server/files")]

from closure import STORE_DIR, Made, Shape, make  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: E402
from nar_server.keys import SecretKey  # noqa: E402
from nar_server.signing import Signer  # noqa: E402
from results import BUDGETS, CONNECTIONS, GIB, ROWS, SLOW_READERS, Results, table  # noqa: E402
from reverse_proxy import reverse_proxy  # noqa: E402
from servers import Server, harmonia, nginx, ours  # noqa: E402
from undisturbed import undisturbed  # noqa: E402

_MEMORY = Path("/dev/shm")


@dataclass
class Bench:
    """The closure on disk, and what has been measured."""

    root: Path
    paths: list[Made]
    public_key: str
    nar_client: str = "curl"
    harmonia: Path | None = None
    results: Results = field(default_factory=Results)

    @property
    def store(self) -> Path:
        return self.root / "store/nix/store"

    def run_harmonia(self, workers: int = 0) -> AbstractContextManager[Server | None]:
        """It over the same store, if it is there. workers: 0 for one for each processor."""
        if self.harmonia is None:
            return contextlib.nullcontext()
        return harmonia(self.harmonia, self.store, self.root / "key", self.root / f"h{workers}.toml", workers=workers)

    def nars(self, server: Server, connections: int) -> float:
        """Seconds to fetch all NARs, all files in memory."""
        server.warm()
        return self.nars_as_they_are(server, connections)

    def nars_as_they_are(self, server: Server, connections: int) -> float:
        """Seconds to fetch all NARs, whether their files are in memory or not."""
        return self._ask(self.nar_client, server, connections, self.root / "nars")

    def narinfos(self, server: Server, connections: int) -> float:
        """Seconds for one narinfo."""
        return self._ask("narinfos", server, connections, self.root / "narinfos")

    @staticmethod
    def _ask(kind: str, server: Server, connections: int, wanted: Path) -> float:
        command = [sys.executable, str(HERE / "client.py"), kind, str(server.port), str(connections), str(wanted)]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    def copy(self, server: Server) -> float:
        """Seconds of a real ``nix copy`` of the closure into an empty store."""
        server.warm()
        target = Path(tempfile.mkdtemp(dir=_MEMORY, prefix="bench-cache-"))
        options = {"require-sigs": "true", "trusted-public-keys": self.public_key}
        words = [word for name, value in options.items() for word in ("--option", name, value)]
        environment = {
            "HOME": str(self.root),
            # What Nix remembers of narinfos: nothing yet, as on a new laptop.
            "XDG_CACHE_HOME": f"{target}/cache",
            "NIX_CONF_DIR": str(self.root),
            "NIX_REMOTE": f"local?root={self.root}/n",
        }
        config = "build-users-group =\nexperimental-features = nix-command\nfsync-metadata = false\nsubstituters =\n"
        command = ["nix", "copy", *words, "--from", f"http://127.0.0.1:{server.port}", "--to", f"local?root={target}"]
        wanted = [f"{STORE_DIR}/{made.info.path}" for made in self.paths]
        environment = os.environ | environment | {"NIX_CONFIG": config}
        try:
            started = time.perf_counter()
            subprocess.run([*command, *wanted], env=environment, check=True, capture_output=True)
            return time.perf_counter() - started
        finally:
            subprocess.run(["chmod", "-R", "u+w", target], check=True)
            shutil.rmtree(target)


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
    for _round in range(rounds):
        for connections in CONNECTIONS:
            for kind, measure in (("first", first), ("warm", warm), ("hot", hot)):
                theirs = undisturbed(functools.partial(bench.nars, flat, connections))
                bench.results.note(f"nginx {connections}", theirs)
                bench.results.note(f"{kind} {connections}", measure(bench, connections))
            with bench.run_harmonia() as peer:
                if peer:
                    # It remembers nothing of a NAR: the first request is like any other.
                    seconds = undisturbed(functools.partial(bench.nars, peer, connections))
                    bench.results.note(f"harmonia {connections}", seconds)


def first(bench: Bench, connections: int) -> float:
    """Seconds for all NARs when none of them was ever asked for."""

    def measure() -> float:
        with ours(bench.store, bench.root / "key", bench.root / "a.toml") as server:
            return bench.nars(server, connections)

    return undisturbed(measure)


def warm(bench: Bench, connections: int) -> float:
    """Seconds for all NARs when each has been asked for, without a tier."""
    with ours(bench.store, bench.root / "key", bench.root / "a.toml") as server:
        # Until every worker has most likely seen every path.
        for _ in range(8):
            bench.nars_as_they_are(server, max(CONNECTIONS))
        return undisturbed(lambda: bench.nars(server, connections))


def hot(bench: Bench, connections: int) -> float:
    """Seconds for all NARs from a hot tier that has them all."""
    tier = bench.root / "tier-hot"
    with ours(bench.store, bench.root / "key", bench.root / "b.toml", tier=tier) as server:
        bench.nars(server, connections)
        settle(tier)
        seconds = undisturbed(lambda: bench.nars(server, connections))
        bench.results.note("tier", float(sum(pack.stat().st_size for pack in tier.iterdir())))
    shutil.rmtree(tier)
    return seconds


def settle(tier: Path) -> None:
    """Wait until no more packs are made, which begins a while after the last request."""
    before, packs = None, set(tier.glob("*.pack"))
    while packs != before:
        time.sleep(4)
        before, packs = packs, set(tier.glob("*.pack"))


def compare_budgets(bench: Bench, flat: Server, rounds: int) -> None:
    """What a hot tier of a share of the NARs' size buys, when all of them are asked for again and again."""
    total = sum(made.info.nar_size for made in bench.paths)
    for share in BUDGETS:
        tier = bench.root / f"tier-{share}"
        size = int(total * share)
        with ours(bench.store, bench.root / "key", bench.root / "e.toml", tier=tier, tier_size=size) as server:
            for _ in range(3):
                bench.nars(server, 4)
            settle(tier)
            for _ in range(rounds):
                bench.results.note("nginx budget", undisturbed(lambda: bench.nars(flat, 4)))
                bench.results.note(f"budget {share}", undisturbed(lambda: bench.nars(server, 4)))
        bench.results.note(f"packs {share}", float(len(list(tier.iterdir()))))
        shutil.rmtree(tier)


def compare_rest(bench: Bench, flat: Server, rounds: int) -> None:
    """Narinfos with and without the role's nginx in front, and ``nix copy``."""
    with (
        ours(bench.store, bench.root / "key", bench.root / "c.toml", tier=bench.root / "tier") as server,
        ours(bench.store, bench.root / "key", bench.root / "f.toml", workers=1) as alone,
        reverse_proxy(bench.root / "proxy", [server.port]) as front,
        bench.run_harmonia() as peer,
        bench.run_harmonia(workers=1) as peer_alone,
    ):
        proxy = Server("proxy", front.port, front.process, 0)
        for _ in range(rounds):
            for name, asked, connections in (
                ("narinfo nginx", flat, 1),
                ("narinfo ours", server, 1),
                ("narinfo proxy", proxy, 1),
                ("narinfos nginx", flat, 16),
                ("narinfos ours", alone, 16),
                ("narinfo harmonia", peer, 1),
                ("narinfos harmonia", peer_alone, 16),
            ):
                if asked is None:
                    continue
                bench.results.note(name, undisturbed(functools.partial(bench.narinfos, asked, connections)))
        bench.results.note("copy first", bench.copy(server))
        settle(bench.root / "tier")
        # Copies scatter most, since Nix itself takes more than one processor.
        for _ in range(2 * rounds + 1):
            bench.results.note("copy nginx", undisturbed(lambda: bench.copy(flat)))
            bench.results.note("copy ours", undisturbed(lambda: bench.copy(server)))
            if peer:
                bench.results.note("copy harmonia", undisturbed(functools.partial(bench.copy, peer)))


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
        memory = 0
        for _ in range(20):
            for reader in readers:
                if not reader.recv(65536):
                    raise RuntimeError("a slow reader was cut")
            memory = max(memory, server.memory())
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
            bench.results.note("start", server.started_seconds)
            bench.results.note("narinfo rows", bench.narinfos(server, 1))


def main() -> None:
    """Run it all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--client", choices=("curl", "sockets"), default="curl")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--harmonia", type=Path, metavar="PROGRAM")
    options = parser.parse_args()
    # So that what was started and made is cleaned up when it is told to stop.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if options.folder is not None and not options.folder.is_dir():
        parser.error(f"--folder: {options.folder} is no folder")
    if options.harmonia is not None and not os.access(options.harmonia, os.X_OK):
        parser.error(f"--harmonia: {options.harmonia} is no program")
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="bench-cache-") as folder:
        bench = prepare(Path(folder), options.scale)
        bench.nar_client, bench.harmonia = options.client, options.harmonia
        with nginx(bench.root / "nginx", bench.root / "flat") as flat:
            compare_nars(bench, flat, options.rounds)
            compare_budgets(bench, flat, options.rounds)
            compare_rest(bench, flat, options.rounds)
        memory = slow_readers(bench)
        many_rows(bench, options.rounds)
        print(table(bench.results, bench.paths, memory))


if __name__ == "__main__":
    main()
