# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server behind nginx that answers what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Asked:
    """A request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    client: tuple[str, int]


@dataclass
class Backend:
    """``answers`` holds bodies by target: bytes for 200, None for a connection closed instead of an answer.

    All else is a 404 with ``missing`` as its headers. A body in ``cut`` breaks off after its first half.
    """

    port: int
    answers: dict[str, bytes | None] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=lambda: {"Cache-Control": "no-store"})
    cut: set[str] = field(default_factory=set)
    asked: list[Asked] = field(default_factory=list)

    def targets(self) -> list[str]:
        return [f"{request.method} {request.target}" for request in self.asked]


@contextlib.contextmanager
def running() -> Iterator[Backend]:
    """Run one on a free port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            backend.asked.append(Asked(self.command, self.path, headers, self.client_address))
            body = backend.answers.get(self.path, b"")
            if body is None:
                self.close_connection = True
                return
            found = self.path in backend.answers
            self.send_response(200 if found else 404)
            for name, value in (backend.headers if found else backend.missing).items():
                self.send_header(name, value)
            chunked = headers.get("user-agent", "").startswith("ESP32 HTTP Client/")
            self.send_header(*(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(body)))))
            self.end_headers()
            if self.command == "HEAD":
                return
            if self.path in backend.cut:
                self.close_connection = True
                body = body[: len(body) // 2]
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, format: str, *arguments: object) -> None:
            pass

        def setup(self) -> None:
            super().setup()
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        backend = Backend(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield backend
        finally:
            server.shutdown()
            thread.join()
