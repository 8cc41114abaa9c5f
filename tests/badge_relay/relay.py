# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP relay of a badge, as its clients and its upstream see it.

Facts of the badge's firmware (github.com/NixVegas/badge, `src/main/nixbadge_http.c`) and of the parts of ESP-IDF that
it uses (`esp_http_server`, `esp_http_client`, `http_parser`). One thread serves all connections, a request at a time.
Not modelled: speed, and that the names and values of copied headers may be overwritten before they are sent.
"""

from __future__ import annotations

import contextlib
import http.client
import selectors
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus

PORT = 1008
MAX_HEADERS = 8
MAX_CONNECTIONS = 7
USER_AGENT = "ESP32 HTTP Client/1.0"
_PIECE = 64 * 1024
_SECONDS = 5
_NARINFO, _NAR = "text/x-nix-narinfo", "application/x-nix-nar"


class UpstreamError(Exception):
    """The relay gets no answer that it can take; its own client's connection is then closed without one."""


@dataclass
class Relay:
    """A relay that runs. requests: method and target of all so far; refused: the upstream's answers it did not take."""

    upstream: tuple[str, int]
    store_dir: str = "/nix/store"
    priority: int = 40
    port: int = 0
    requests: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def answer(self, connection: socket.socket) -> bool:
        """Read a request and answer it; false when the connection is to be closed."""
        head = _read_head(connection)
        if not head:
            return False
        method, target, _version = head.split("\r\n")[0].split(" ")
        self.requests.append(f"{method} {target}")
        if method != "GET":
            _send(connection, HTTPStatus.METHOD_NOT_ALLOWED, [], b"Specified method is invalid for this resource")
        elif target == "/nix-cache-info":
            text = f"StoreDir: {self.store_dir}\nWantMassQuery: 1\nPriority: {self.priority}\n"
            _send(connection, HTTPStatus.OK, [("Content-Type", "text/x-nix-cache-info")], text.encode())
        else:
            try:
                self._pass_on(connection, target)
            except UpstreamError as error:
                self.refused.append(f"{target}: {error}")
                return False
            except (OSError, http.client.HTTPException):
                return False
        return True

    def _pass_on(self, connection: socket.socket, target: str) -> None:
        upstream = http.client.HTTPConnection(*self.upstream, timeout=_SECONDS)
        with contextlib.closing(upstream):
            upstream.putrequest("GET", target, skip_accept_encoding=True)
            upstream.putheader("User-Agent", USER_AGENT)
            upstream.endheaders()
            response = upstream.getresponse()
            received = response.headers.items()
            names = {name.lower() for name, _value in received}
            if {"content-length", "transfer-encoding"} <= names:
                # ESP-IDF's parser takes no part in request smuggling (RFC 9112, 6.3).
                raise UpstreamError("it has Content-Length and Transfer-Encoding")
            own = ("Content-Type", _NAR if target.startswith("/nar/") else _NARINFO)
            # The upstream's status goes no further: it is always 200.
            _send(connection, HTTPStatus.OK, [("Transfer-Encoding", "chunked"), *[own, *received][:MAX_HEADERS]], None)
            while piece := response.read1(_PIECE):
                connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
            if response.length:
                raise UpstreamError(f"its body ends {response.length} bytes early")
            connection.sendall(b"0\r\n\r\n")


@contextlib.contextmanager
def running(upstream: tuple[str, int], *, port: int = 0) -> Iterator[Relay]:
    """Run a relay on 127.0.0.1 that asks the server at this host and port."""
    relay = Relay(upstream)
    ours, theirs = socket.socketpair()
    with socket.create_server(("127.0.0.1", port)) as listener, ours, theirs:
        relay.port = listener.getsockname()[1]
        thread = threading.Thread(target=_serve, args=(relay, listener, theirs), daemon=True)
        thread.start()
        try:
            yield relay
        finally:
            ours.send(b"stop")
            thread.join(2 * _SECONDS)


def _serve(relay: Relay, listener: socket.socket, stop: socket.socket) -> None:
    """Accept connections while there is room, and answer one request at a time, until something comes from ``stop``."""
    connections: list[socket.socket] = []
    with contextlib.ExitStack() as cleanup, selectors.DefaultSelector() as selector:
        selector.register(stop, selectors.EVENT_READ)
        while True:
            room = len(connections) < MAX_CONNECTIONS
            if room and listener not in selector.get_map():
                selector.register(listener, selectors.EVENT_READ)
            elif not room and listener in selector.get_map():
                selector.unregister(listener)
            ready = [key.fileobj for key, _events in selector.select()]
            if stop in ready:
                return
            for found in ready:
                if found is listener:
                    connection = cleanup.enter_context(listener.accept()[0])
                    connection.settimeout(_SECONDS)
                    selector.register(connection, selectors.EVENT_READ)
                    connections.append(connection)
                elif not _answered(relay, found):
                    selector.unregister(found)
                    connections.remove(found)  # type: ignore[arg-type]  # all others are sockets
                    found.close()  # type: ignore[union-attr]
                break


def _answered(relay: Relay, connection: object) -> bool:
    assert isinstance(connection, socket.socket)
    try:
        return relay.answer(connection)
    except OSError:
        return False


def _read_head(connection: socket.socket) -> str:
    """A request's line and headers; empty when the client closed the connection."""
    head = b""
    while b"\r\n\r\n" not in head:
        more = connection.recv(1)
        if not more:
            return ""
        head += more
    return head.decode("latin-1")


def _send(connection: socket.socket, status: HTTPStatus, headers: list[tuple[str, str]], body: bytes | None) -> None:
    """The head of an answer, and its body if that is known."""
    length = [] if body is None else [("Content-Length", str(len(body)))]
    lines = [f"{name}: {value}\r\n" for name, value in [("Content-Type", "text/html"), *length, *headers]]
    head = f"HTTP/1.1 {status} {status.phrase}\r\n{''.join(lines)}\r\n"
    connection.sendall(head.encode("latin-1") + (body or b""))
