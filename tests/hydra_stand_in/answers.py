# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests and answers of the stand-in, and the refusals that Hydra's controllers share."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

SIGN_IN = "This page requires you to sign in."
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Request:
    """A request. Names of headers are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path, below the prefix of a proxy."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The query."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def base(self) -> str:
        """What Hydra takes for its own address, with a slash at the end."""
        if base := self.headers.get("x-request-base"):
            return f"{base.rstrip('/')}/"
        scheme = self.headers.get("x-forwarded-proto", "http")
        host = self.headers.get("x-forwarded-host", self.headers.get("host", "localhost"))
        return f"{scheme}://{host}/"

    @property
    def wants_json(self) -> bool:
        """What Accept says, or failing that Content-Type."""
        accept = self.headers.get("accept", "*/*")
        return "json" in (self.headers.get("content-type", "") if accept == "*/*" else accept)


@dataclass
class Answer:
    """An answer: JSON, or where `page` is set a text of another type."""

    status: int
    data: Any = None
    page: str | None = None
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """The bytes of the body, JSON without blanks as Hydra writes it."""
        if self.page is not None:
            return self.page.encode()
        return json.dumps(self.data, ensure_ascii=False, separators=(",", ":")).encode()


class RefusedError(Exception):
    """The request ends here, with an error; extra: what stands beside it in the JSON."""

    def __init__(self, status: int, words: str, **extra: Any) -> None:
        super().__init__(words)
        self.answer = Answer(status, {"error": words, **extra})


def bad_request(words: str) -> RefusedError:
    """badRequest of Hydra."""
    return RefusedError(400, words)


def denied(words: str = SIGN_IN) -> RefusedError:
    """accessDenied of Hydra."""
    return RefusedError(403, words)


def not_found(words: str) -> RefusedError:
    """notFound of Hydra."""
    return RefusedError(404, words)


def error(words: str) -> RefusedError:
    """What most mistakes of a request come to."""
    return RefusedError(500, words)


def died(where: str) -> RefusedError:
    """A Perl exception, as Hydra lets it out."""
    return RefusedError(500, f"{{UNKNOWN}}: {where}\n")


def page(status: int, title: str, **headers: str) -> Answer:
    """An HTML page."""
    return Answer(status, page=f"<!DOCTYPE html>\n<title>{title}</title>\n", kind=HTML, headers=headers)
