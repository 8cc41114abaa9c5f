"""An upstream cache that serves, lies, stalls and truncates as told."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import hashlib
import lzma
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import zstandard
from nar_server import base32
from nar_server.config import PullThroughConfig, UpstreamConfig
from nar_server.keys import SecretKey
from nar_server.metrics import Metrics, Shared
from nar_server.path_info import PathInfo
from nar_server.signing import Signer
from nar_server.store_path import StorePath
from nar_server.upstream.breaker import Breaker
from nar_server.upstream.client import Upstream
from nar_server.upstream.pull import Puller
from nar_server.views import View

STORE = "/nix/store"
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "none": lambda data: data,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


def string(data: bytes) -> bytes:
    return len(data).to_bytes(8, "little") + data + bytes(-len(data) % 8)


def nar(content: bytes) -> bytes:
    """The NAR of a file."""
    return b"".join(map(string, (b"nix-archive-1", b"(", b"type", b"regular", b"contents", content, b")")))


@dataclass
class OfferedPath:
    """A path the upstream has."""

    info: PathInfo
    nar: bytes
    narinfo: str

    @property
    def hash_part(self) -> str:
        return self.info.path.hash_part


@dataclass
class FakeUpstream:
    """What it answers, by target; ``pause`` seconds before each narinfo.

    ``drip``: seconds between the bytes of a NAR. ``compresses``: whether it does so for those who take gzip.
    ``most_at_once``: narinfos it was asked for at one time.
    """

    key: SecretKey
    bodies: dict[str, bytes] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    pause: float = 0
    drip: float = 0
    truncate: int = 0
    redirect: str = ""
    status: int = 200
    compresses: bool = False
    at_once: int = 0
    most_at_once: int = 0
    half_sent: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    hold: bool = False
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/cache"

    def add(
        self,
        name: str,
        content: bytes = b"content",
        compression: str = "none",
        references: tuple[StorePath, ...] = (),
        sign_with: SecretKey | None = None,
        **lines: str,
    ) -> OfferedPath:
        """Offer a path; ``lines`` replace those of its narinfo."""
        data = nar(content)
        path = StorePath(base32.encode(hashlib.sha256(name.encode()).digest()[:20]), name)
        info = PathInfo(path, hashlib.sha256(data).digest(), len(data), tuple(sorted(references)))
        signature = Signer(sign_with or self.key).sign(info.fingerprint(STORE)).text
        url = f"nar/{name}.nar.{compression}"
        fields = {
            "StorePath": f"{STORE}/{path}",
            "URL": url,
            "Compression": compression,
            "NarHash": f"sha256:{info.nar_hash_base32}",
            "NarSize": str(len(data)),
            "References": " ".join(map(str, info.references)),
            "Sig": signature,
        } | lines
        text = "".join(f"{key}: {value}\n" for key, value in fields.items())
        self.bodies[f"/cache/{path.hash_part}.narinfo"] = text.encode()
        self.bodies[f"/cache/{url}"] = PACKERS[compression](data)
        info = PathInfo(path, info.nar_hash, info.nar_size, info.references, signatures=(signature,))
        return OfferedPath(info, data, text)

    def nars(self) -> int:
        """How many NARs were asked for."""
        return sum(count for target, count in self.requests.items() if "/nar/" in target)


def handler(upstream: FakeUpstream) -> type[BaseHTTPRequestHandler]:
    counting = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            upstream.requests[self.path] += 1
            body = upstream.bodies.get(self.path)
            if self.path.endswith(".narinfo"):
                with counting:
                    upstream.at_once += 1
                    upstream.most_at_once = max(upstream.most_at_once, upstream.at_once)
                time.sleep(upstream.pause)
                with counting:
                    upstream.at_once -= 1
            coded = body is not None and upstream.compresses and "gzip" in self.headers.get("Accept-Encoding", "")
            if body is not None and coded:
                body = gzip.compress(body)
            self.send_response(404 if body is None else 302 if upstream.redirect else upstream.status)
            if upstream.redirect:
                self.send_header("Location", upstream.redirect)
            if coded:
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            if body is None:
                return
            is_nar = "/nar/" in self.path
            if is_nar and upstream.hold:
                self.wfile.write(body[: len(body) // 2])
                self.wfile.flush()
                upstream.half_sent.set()
                upstream.go_on.wait(20)
                self.wfile.write(body[len(body) // 2 :])
            elif is_nar and upstream.drip:
                with contextlib.suppress(ConnectionError):
                    for each in body:
                        self.wfile.write(bytes([each]))
                        time.sleep(upstream.drip)
            else:
                self.wfile.write(body[: len(body) - upstream.truncate if is_nar else None])

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024


@pytest.fixture
def make_upstream(make_key: Callable[[str], SecretKey]) -> Iterator[Callable[..., FakeUpstream]]:
    """Makes upstreams that run."""
    servers = []

    def make(name: str = "upstream-1") -> FakeUpstream:
        fake = FakeUpstream(make_key(name))
        server = Server(("127.0.0.1", 0), handler(fake))
        fake.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append((server, fake))
        return fake

    yield make
    for server, fake in servers:
        fake.go_on.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def fake(make_upstream: Callable[..., FakeUpstream]) -> FakeUpstream:
    return make_upstream()


def config_of(fake: FakeUpstream, name: str = "near", stratum: int = 1) -> UpstreamConfig:
    return UpstreamConfig(name, fake.url, (fake.key.public,), stratum)


@dataclass
class Pulling:
    """A puller and the view it works for."""

    puller: Puller
    view: View
    metrics: Metrics


@pytest.fixture
def make_puller(tmp_path: Path, make_view: Callable[..., View]) -> Callable[..., Pulling]:
    """Makes pullers over upstreams; one spool for all of them, as workers have."""
    spool = tmp_path / "spool"
    spool.mkdir()

    def make(*upstreams: UpstreamConfig, **options: Any) -> Pulling:
        shared = Shared()
        metrics = Metrics(shared)
        clients = [
            Upstream(
                upstream,
                Breaker(shared, shared.place(f"failures {upstream.name}"), shared.place(f"until {upstream.name}")),
                metrics,
            )
            for upstream in upstreams
        ]
        puller = Puller(PullThroughConfig(folder=spool, **options), clients, metrics)
        return Pulling(puller, make_view(upstreams), metrics)

    return make
