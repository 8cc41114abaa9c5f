"""Pages, fetched from a server on the loopback interface."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.probe import web


class Page(BaseHTTPRequestHandler):
    """Tells an address; anything but / is missing."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200 if self.path == "/" else 404)
        self.end_headers()
        self.wfile.write(b"203.0.113.66\n")

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


@pytest.fixture
def site() -> Iterator[str]:
    """The URL of a running server."""
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def page(url: str, *expected: str, status: int = 200) -> tuple[str, bool]:
    """What the probe sees."""
    options = {"url": url, "ca_certificates": None, "timeout": 2, "expected": list(expected), "status": status}
    seen = web.http_page(options)
    return seen.text, seen.ok


def test_body(site: str) -> None:
    """The expected text stands in the page by itself."""
    assert page(site + "/", "203.0.113.66") == ("200, 203.0.113.66", True)
    assert page(site + "/", "203.0.113.6") == ("200, 203.0.113.66", False)


def test_status(site: str) -> None:
    """Another status is wrong, unless asked for."""
    assert page(site + "/none")[1] is False
    assert page(site + "/none", status=404) == ("404", True)


def test_no_server() -> None:
    """The reason is told."""
    text, right = page("http://127.0.0.1:9/")
    assert (text, right) == ("no page: [Errno 111] Connection refused", False)
