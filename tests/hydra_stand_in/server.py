# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in as an HTTP server, with the faults a network has."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from .answers import Answer, Request, page
from .application import answer
from .state import Database

# What may happen to a request, before the stand-in answers as Hydra does.
CUT_BEFORE = "connection cut before the request was carried out"
CUT_AFTER = "connection cut after the request was carried out"
PROXY_ERROR = "a proxy's error page, the request not carried out"
PROXY_TIMEOUT = "a proxy's error page, the request carried out"
SLOW = "no answer for a while, the request carried out"
DRIP = "an answer that comes byte by byte and never ends"
DRIPPING_HEAD = "the same, and not even its head ends"
Fault = Callable[[str, str], str | None]


def no_fault(_method: str, _target: str) -> None:
    """The network is well."""


@dataclass
class StandIn:
    """A running stand-in. requests: method and target of all so far; fault: asked what happens to each."""

    database: Database
    url: str
    requests: list[str] = field(default_factory=list)
    fault: Fault = no_fault
    slow_seconds: float = 2.0
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def writes(self) -> list[str]:
        """The requests that may change something, without those of signing in."""
        return [line for line in self.requests if not line.startswith("GET ") and not line.endswith("/login")]


@contextmanager
def running(
    database: Database, *, prefix: str = "", certificate: Path | None = None, port: int = 0
) -> Iterator[StandIn]:
    """Serve a database on 127.0.0.1. prefix: path a proxy puts before it; certificate: PEM with key, for TLS."""
    server = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme, name = ("https", "localhost") if certificate else ("http", "127.0.0.1")
    stand_in = StandIn(database, f"{scheme}://{name}:{server.server_port}{prefix}")
    server.stand_in = stand_in  # type: ignore[attr-defined]
    server.prefix = prefix  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield stand_in
    finally:
        stand_in.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Any

    def handle_any(self) -> None:
        """Answer one request, as the fault allows."""
        stand_in: StandIn = self.server.stand_in
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        target = self.path.removeprefix(self.server.prefix)
        if self.server.prefix or stand_in.url.startswith("https"):
            headers["x-request-base"] = stand_in.url
        fault = stand_in.fault(self.command, target)
        with stand_in.lock:
            stand_in.requests.append(f"{self.command} {target}")
            if fault in (CUT_BEFORE, PROXY_ERROR):
                found = page(502, "502 Bad Gateway")
            else:
                found = answer(stand_in.database, Request(self.command, target, headers, body))
        if fault == SLOW:
            time.sleep(stand_in.slow_seconds)
        if fault in (CUT_BEFORE, CUT_AFTER):
            self.close_connection = True
            return
        with suppress(BrokenPipeError, ConnectionResetError):  # the client did not wait
            if fault in (DRIP, DRIPPING_HEAD):
                self._drip(b"\r\n" if fault == DRIP else b"")
                return
            self._send(page(504, "504 Gateway Time-out") if fault == PROXY_TIMEOUT else found)

    def _drip(self, end_of_head: bytes) -> None:
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + end_of_head)
        while not self.server.stand_in.over.wait(0.05):
            self.wfile.write(b"1")

    def _send(self, found: Answer) -> None:
        self.send_response(found.status)
        for name, value in {"Content-Type": found.kind, **found.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(found.body)))
        self.end_headers()
        self.wfile.write(found.body)

    do_GET = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815 - the names http.server wants

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: ``requests`` has it."""
