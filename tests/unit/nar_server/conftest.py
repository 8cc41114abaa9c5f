"""A store like Nix's, a server over it, and Nix itself."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.tests import nix_releases
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nar_server import base32, views
from nar_server.config import UpstreamConfig
from nar_server.database import Database
from nar_server.encoding import Encoders
from nar_server.folders import open_folder
from nar_server.hot_tier import HotTier
from nar_server.http import HttpServer
from nar_server.keys import PublicKey, SecretKey
from nar_server.layout import BUFFER_SIZE, LargeFile
from nar_server.metrics import Shared
from nar_server.policy import Mode, SigningPolicy
from nar_server.signing import Signer, Verifier
from nar_server.site import Site
from nar_server.survey import survey

STORE_DIR = "/nix/store"
SCHEMA = (Path(__file__).parents[2] / "nix_database.sql").read_text(encoding="utf-8")


def nar_of(path: Path) -> bytes:
    """The NAR of a tree, by our own code (test_nar.py compares it with Nix's)."""
    parts = survey(os.fsencode(path), (memoryview(bytearray(BUFFER_SIZE)) for _ in count()))
    return b"".join(
        part.buffer[: part.run.size].tobytes() + (read_large(path, part.large) if part.large else b"") for part in parts
    )


def read_large(path: Path, file: LargeFile) -> bytes:
    """The bytes of a large file of a path, or of the path that is one."""
    folder = open_folder(os.fsencode(path))
    try:
        with os.fdopen(file.open(folder), "rb") as opened:
            return opened.read()
    finally:
        os.close(folder)


LARGE_FILE = 4 * 1024 * 1024


def large_files(path: Path) -> None:
    """More than the sockets' buffers hold, sent by the kernel, then something small."""
    path.mkdir()
    for name in ("1", "2", "3", "4"):
        (path / name).write_bytes(name.encode() * LARGE_FILE)
    (path / "5").write_bytes(b"small")


def small_files(path: Path) -> None:
    """As much in small files."""
    path.mkdir()
    for number in range(200):
        (path / f"{number:03}").write_bytes(b"%d" % (number % 10) * 80_000)


@dataclass
class Added:
    """A path of the fixture's store."""

    hash_part: str
    base_name: str
    real: Path
    nar: bytes

    @property
    def nar_hash(self) -> str:
        return base32.encode(hashlib.sha256(self.nar).digest())

    @property
    def url(self) -> str:
        return f"/nar/{self.nar_hash}.nar?hash={self.hash_part}"


class Store:
    """A store below a folder, with the database Nix would keep for it."""

    def __init__(self, root: Path) -> None:
        self.directory = root / "nix/store"
        self.database = root / "nix/var/nix/db/db.sqlite"
        self.logs = root / "nix/var/log/nix"
        self.directory.mkdir(parents=True)
        self.database.parent.mkdir(parents=True)
        with contextlib.closing(sqlite3.connect(self.database)) as connection:
            connection.executescript(SCHEMA)

    def execute(self, statement: str, arguments: Sequence[object] = ()) -> None:
        with contextlib.closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute(statement, arguments)

    def add(
        self,
        name: str,
        make: bytes | Callable[[Path], object] = b"content",
        *,
        references: Sequence[str] = (),
        hash_part: str | None = None,
        **columns: object,
    ) -> Added:
        """Add a path: a file with these bytes, or what ``make`` makes. ``columns`` replace those of its row."""
        hash_part = hash_part or base32.encode(hashlib.sha256(name.encode()).digest()[:20])
        base_name = f"{hash_part}-{name}"
        real = self.directory / base_name
        if callable(make):
            make(real)
        else:
            real.write_bytes(make)
        nar = nar_of(real)
        row: dict[str, object] = {
            "path": f"{STORE_DIR}/{base_name}",
            "hash": f"sha256:{hashlib.sha256(nar).hexdigest()}",
            "registrationTime": 1,
            "narSize": len(nar),
        } | columns
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        self.execute(f"insert into ValidPaths ({names}) values ({marks})", tuple(row.values()))
        for reference in references:
            self.execute(
                "insert into Refs select a.id, b.id from ValidPaths a, ValidPaths b where a.path = ? and b.path = ?",
                (row["path"], f"{STORE_DIR}/{reference}"),
            )
        return Added(hash_part, base_name, real, nar)


@pytest.fixture
def trees() -> dict[str, Callable[[Path], None]]:
    """Makers of trees larger than sockets' buffers; ``large`` ends with files 4 and 5, ``small`` with file 199."""
    return {"large": large_files, "small": small_files}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path)


def key(name: str) -> SecretKey:
    """A key of this name, the same in every run."""
    seed = hashlib.sha256(name.encode()).digest()

    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return SecretKey(name, seed, PublicKey(name, public))


@pytest.fixture
def make_key() -> Callable[[str], SecretKey]:
    """Makes keys by name."""
    return key


@dataclass
class Answer:
    """What came back over a raw socket; status 0 when nothing did."""

    status: int
    headers: dict[str, str]
    body: bytes
    reset: bool = False

    @property
    def whole(self) -> bool:
        """Whether the body has the length the headers promised."""
        return len(self.body) == int(self.headers.get("content-length", "-1"))


@dataclass
class Served:
    """A running server: its port, and plain HTTP over sockets of our own."""

    port: int
    database: Database
    _sockets: list[socket.socket] = field(default_factory=list)

    def connect(self) -> socket.socket:
        connection = socket.socket()
        connection.settimeout(10)
        # A small window: what is not read yet has mostly not been sent.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 128 * 1024)
        connection.connect(("127.0.0.1", self.port))
        self._sockets.append(connection)
        return connection

    def ask(
        self, target: str, method: str = "GET", between: Callable[[], object] | None = None, headers: str = ""
    ) -> Answer:
        """One request on a connection of its own; ``between`` runs after the headers have come."""
        connection = self.connect()
        connection.sendall(f"{method} {target} HTTP/1.1\r\nHost: cache\r\nConnection: close\r\n{headers}\r\n".encode())
        data, reset = bytearray(), False
        try:
            while b"\r\n\r\n" not in data and (more := connection.recv(1024)):
                data += more
            if between is not None:
                between()
            while more := connection.recv(65536):
                data += more
        except ConnectionResetError:
            reset = True
        self._sockets.remove(connection)
        connection.close()
        head, _, body = bytes(data).partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        return Answer(int(status.split()[1]) if status else 0, headers, body, reset)

    def close(self) -> None:
        for connection in self._sockets:
            connection.close()


@contextlib.contextmanager
def serving(
    store: Store,
    mode: Mode = Mode.VOUCHED,
    sign_with: Sequence[SecretKey] = (),
    trust: Sequence[PublicKey] = (),
    tier: HotTier | None = None,
    *,
    encoders: Encoders | None = None,
) -> Iterator[Served]:
    """Serve a store on a free port, from another thread."""
    database = Database(store.database, STORE_DIR)
    policy = SigningPolicy(mode, STORE_DIR, [Signer(k) for k in sign_with], [Verifier(k) for k in trust])
    served_store = views.Store("main", STORE_DIR, os.fsencode(store.directory), os.fsencode(store.logs), database)
    view = views.View("main", "", frozenset(), served_store, policy, 10, tuple(k.public for k in sign_with))
    site = Site("Cache of the tests", views.Views([view]), Shared(), tier=tier, encoders=encoders)
    started: threading.Event = threading.Event()
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = []

    async def serve() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        server = HttpServer(site.handle)
        listener = socket.create_server(("127.0.0.1", 0))
        server.listen([listener])
        running.append((loop, stop, listener.getsockname()[1]))
        started.set()
        await stop.wait()
        listener.close()
        await server.shutdown(0.1)
        await site.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert started.wait(10)
    loop, stop, port = running[0]
    served = Served(port, database)
    try:
        yield served
    finally:
        served.close()
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


@pytest.fixture
def serve() -> Callable[..., contextlib.AbstractContextManager[Served]]:
    """Serves a store: a context manager."""
    return serving


class Nix:
    """The Nix that is found first, kept to a folder of its own."""

    def __init__(self, home: Path) -> None:
        config = (
            "build-users-group =\nextra-experimental-features = nix-command\nfsync-metadata = false\nsubstituters =\n"
        )
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "NIX_CONFIG": config,
            "NIX_CONF_DIR": str(home),
            # Without this, Nix lets its daemon do the work when it runs as somebody else than root.
            "NIX_REMOTE": f"local?root={home}",
        }

    def run(self, *command: str, stdin: bytes = b"", succeed: bool = True) -> subprocess.CompletedProcess[bytes]:
        """Run one of Nix's commands."""
        done = subprocess.run(
            command, env=self._environment, input=stdin, capture_output=True, timeout=120, check=False
        )
        assert not succeed or done.returncode == 0, done.stderr.decode()
        return done

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start one of Nix's commands."""
        return subprocess.Popen(command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __call__(self, *command: str, stdin: bytes = b"") -> str:
        """Run one of Nix's commands; what it said."""
        return self.run(*command, stdin=stdin).stdout.decode().strip()


# Both Debian releases that roles support; NIX_SUITES="forky sid" tries others.
SUITES = os.environ.get("NIX_SUITES", "bookworm trixie").split()


@pytest.fixture(params=SUITES)
def nix(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nix:
    """Nix of a Debian release, also for whatever else the test runs."""
    programs = nix_releases.nix_of(request.param)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    home = tmp_path / "nix-home"
    home.mkdir()
    return Nix(home)


@pytest.fixture
def make_view(store: Store) -> Callable[..., views.View]:
    """Makes a view over the store that signs with ``sign_with`` and trusts its upstreams."""

    def make(upstreams: Sequence[UpstreamConfig] = (), sign_with: Sequence[SecretKey] = ()) -> views.View:
        trust = [Verifier(public) for upstream in upstreams for public in upstream.public_keys]
        policy = SigningPolicy(Mode.VOUCHED, STORE_DIR, [Signer(key) for key in sign_with], trust)
        database = Database(store.database, STORE_DIR)
        served = views.Store(
            "main", STORE_DIR, os.fsencode(store.directory), os.fsencode(store.logs), database, imports=True
        )
        keys = tuple(key.public for key in sign_with)
        return views.View("main", "", frozenset(), served, policy, 10, keys, tuple(upstreams))

    return make
