# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way to Hydra's HTTP API: signs in, keeps the cookie, reads errors from bodies, repeats only what is safe."""

from __future__ import annotations

import http.client
import http.cookiejar
import json
import math
import socket
import ssl
import time
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from ansible.module_utils.urls import ConnectionError as UrlsError
from ansible.module_utils.urls import Request, make_context

from .credentials import plain, without_credentials, without_name, without_secret
from .deadline import within
from .errors import AnswerError, HydraError, LostError, login_words, sentence, shortened, words_of
from .shapes import PUSH_ANSWER, USER_ANSWER, Shape, misfit

OK, NO_CONTENT, FOUND, MOVED, FORBIDDEN, NOT_FOUND = 200, 204, 302, 301, 403, 404
NO_SUCH_PAGE = "Page not found."  # Hydra's words where nothing could be; of a missing thing it names that
LONGEST_MASKED = 2048  # characters of an answer that are looked through for secrets; of others nothing is shown
AWAY = (502, 503, 504)  # a proxy speaks: Hydra restarts, or is slow
LARGEST_ANSWER = 64 * 1024 * 1024  # bytes; an evaluation of all of nixpkgs, with its builds, is a quarter of that
LEAST_SECONDS = 0.1  # for an exchange that begins when the time of the run is all but over
PAUSES = (0.5, 2.0)  # seconds before a read is repeated
NEVER_SENT = (ConnectionRefusedError, socket.gaierror, ssl.SSLError)


@dataclass(frozen=True)
class Connection:
    """Where Hydra is and who signs in. url: as `values.address` returns it; timeout: seconds for a whole answer;
    ca_path: file of a private CA."""

    url: str
    username: str | None = None
    password: str | None = None
    validate_certs: bool = True
    ca_path: str | None = None
    timeout: float = 30


@dataclass(frozen=True)
class Answer:
    """What the server answered. data: its JSON, None when it has none; location: where it redirects to."""

    status: int
    data: Any
    words: str
    location: str


def path_of(*parts: str) -> str:
    """A path below Hydra's address from its parts, each escaped."""
    return "/" + "/".join(quote(part, safe="") for part in parts)


class Client:
    """One module run's conversation with a server. Raises HydraError: AnswerError, or LostError when none came."""

    def __init__(
        self,
        connection: Connection,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.base = connection.url
        self.user: dict[str, Any] | None = None
        self._connection = connection
        self._sleep, self._clock = sleep, clock
        self._end = math.inf
        self._cookies = http.cookiejar.CookieJar()
        self._http = self._session()

    def _session(self) -> Request:
        """What open_url makes anew for every call: with certificates loaded, that takes longer than Hydra's answer."""
        given = self._connection
        try:
            context = (
                make_context(cafile=given.ca_path, validate_certs=given.validate_certs)
                if given.url.startswith("https:")
                else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            )
        except (OSError, ValueError) as error:
            raise HydraError(f'ca_path: "{given.ca_path}" cannot be read as certificates: {error}') from error
        # Redirects are never followed: that of a renamed jobset would show another one.
        return Request(
            timeout=given.timeout,
            context=context,
            cookies=self._cookies,
            follow_redirects="none",
            use_netrc=False,
            http_agent="nixvegas.noc",
        )

    def end_within(self, seconds: float) -> None:
        """Have all further requests answered, or lost, so many seconds from now."""
        self._end = self._clock() + seconds

    @property
    def is_late(self) -> bool:
        """Whether that time is over."""
        return self._clock() >= self._end

    @property
    def may_sign_in(self) -> bool:
        """Whether a user name and a password are given."""
        return bool(self._connection.username and self._connection.password)

    def get(self, path: str, shape: Shape) -> Any:
        """What the server says there, of that shape; None where there is nothing, or where something was renamed away
        (301)."""
        answer = self._checked("GET", path, None)
        if answer.status == NOT_FOUND and answer.data is not None and answer.words != NO_SUCH_PAGE:
            return None
        if answer.status == MOVED and self._is_rename(path, answer.location):
            return None
        if answer.data is None or answer.status != OK:
            request = f"GET {self.base}{path}"
            said = sentence(answer.words)
            raise HydraError(f"{request} was answered with {said} Check that the url is that of a Hydra.")
        return self._of_shape("GET", path, shape, answer)

    def _of_shape(self, method: str, path: str, shape: Shape, answer: Answer) -> Any:
        wrong = misfit(shape, answer.data)
        if wrong is not None:
            where = f"{method} {self.base}{path}: {self.safe(wrong)}"
            raise HydraError(f"{where}. Check that the url is that of a Hydra, and of a version this collection knows.")
        return answer.data

    def _is_rename(self, path: str, location: str) -> bool:
        """Whether a redirect is that of a renamed jobset, not of a proxy: it leads to its neighbour."""
        asked, target = (urlsplit(address).path for address in (f"{self.base}{path}", location))
        parts = path.split("/")
        return parts[1] == "jobset" and target != asked and "/".join(parts[:3]) + "/" in target

    def put(self, path: str, body: dict[str, Any]) -> None:
        """Replace what is there. LostError says whether the request may have arrived; it is never repeated here."""
        self._write("PUT", path, body)

    def delete(self, path: str) -> None:
        """Remove what is there; fine if somebody else just did."""
        self._write("DELETE", path, None, gone=True)

    def push(self, jobset: str) -> Any:
        """Have a jobset evaluated. Like `put`, it is never repeated."""
        path = f"/api/push?{urlencode({'jobsets': jobset}, safe=':')}"
        return self._of_shape("POST", path, PUSH_ANSWER, self._write("POST", path, None))

    def sign_in(self) -> dict[str, Any]:
        """Sign in, once per run unless the session expires. Returns the user: username, userroles."""
        if self.user is None:
            self.user = self._sign_in()
        return self.user

    def _sign_in(self) -> dict[str, Any]:
        if not self.may_sign_in:
            raise HydraError(
                f"{self.base} wants a user who is signed in; give username and password, as options or as"
                " HYDRA_USERNAME and HYDRA_PASSWORD"
            )
        self._cookies.clear()
        login = {"username": self._connection.username, "password": self._connection.password}
        answer = self._patient("POST", "/login", login)
        if answer.status not in (OK, FOUND) or misfit(USER_ANSWER, answer.data):
            raise AnswerError(f"POST {self.base}/login", answer.status, login_words(answer.words))
        return dict(answer.data)

    def _write(self, method: str, path: str, body: dict[str, Any] | None, *, gone: bool = False) -> Answer:
        self.sign_in()
        answer = self._checked(method, path, body)
        if answer.status in AWAY:
            # Whether Hydra itself saw the request is unknown.
            request = f"{method} {self.base}{path}"
            raise LostError(request, f"a proxy answered {answer.status}: {answer.words}", sent=True, slow=True)
        if answer.status == MOVED or (answer.status == NOT_FOUND and not gone):
            raise AnswerError(f"{method} {self.base}{path}", answer.status, answer.words)
        return answer

    def _checked(self, method: str, path: str, body: dict[str, Any] | None) -> Answer:
        """The answer of a success, or a 404, a 301 or a proxy's error of a write; signs in where the server asks."""
        once = self._patient if method == "GET" else self._once
        answer = once(method, path, body)
        if answer.status == FORBIDDEN and "sign in" in answer.words and self.may_sign_in:
            # A private server, or a session that expired: it did nothing, so the request may be repeated.
            self.user = None
            self.sign_in()
            answer = once(method, path, body)
        allowed = (OK, 201, NO_CONTENT, NOT_FOUND, MOVED, *(() if method == "GET" else AWAY))
        if answer.status not in allowed:
            raise AnswerError(f"{method} {self.base}{path}", answer.status, answer.words)
        return answer

    def _patient(self, method: str, path: str, body: dict[str, Any] | None) -> Answer:
        """One exchange that may be repeated: of a read, or of signing in."""
        for pause in PAUSES:
            try:
                answer = self._once(method, path, body)
            except LostError as lost:
                if not lost.sent or self._clock() + pause >= self._end:
                    raise
            else:
                if answer.status not in AWAY or self._clock() + pause >= self._end:
                    return answer
            self._sleep(pause)
        return self._once(method, path, body)

    def _once(self, method: str, path: str, body: dict[str, Any] | None) -> Answer:
        """One exchange, within its own time limit and that of the whole run."""
        limit = min(self._connection.timeout, max(self._end - self._clock(), LEAST_SECONDS))
        try:
            return within(limit, lambda: self._exchange(method, path, body, limit))
        except (OSError, http.client.HTTPException, UrlsError) as lost:
            raise self._lost(method, path, lost, limit) from lost

    def _exchange(self, method: str, path: str, body: dict[str, Any] | None, limit: float) -> Answer:
        headers = {"Accept": "application/json", "Referer": f"{self.base}/"}
        data = b"" if method == "POST" else None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        try:
            response = self._http.open(method, f"{self.base}{path}", data=data, headers=headers, timeout=limit)
        except urllib.error.HTTPError as refusal:
            response = refusal
        found = response.read(LARGEST_ANSWER + 1)
        if len(found) > LARGEST_ANSWER:
            raise HydraError(f"{method} {self.base}{path}: its answer is larger than {LARGEST_ANSWER // 2**20} MiB")
        return self._answer(response.status, found, response.headers.get("Location"))

    def _answer(self, status: int, body: bytes, location: str | None = None) -> Answer:
        try:
            data = json.loads(body, parse_constant=_refuse)
        except (ValueError, RecursionError):
            data = None
        words = f"a redirect to {location}." if location and data is None else words_of(body)
        return Answer(status, data, self.safe(words), location or "")

    def _lost(self, method: str, path: str, error: Exception, limit: float) -> LostError:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        slow = isinstance(reason, TimeoutError)
        text = f"nothing came within {limit:.3g} seconds" if slow else str(reason) or repr(reason)
        if isinstance(reason, ssl.SSLError):
            text += " (for a private CA, give its certificate as ca_path)"
        sent = not isinstance(reason, (*NEVER_SENT, UrlsError))
        return LostError(f"{method} {self.base}{path}", self.safe(text), sent=sent, slow=slow)

    def safe(self, words: str) -> str:
        """What somebody else says, without what is not to be shown, and then shortened."""
        given = self._connection
        known = without_secret(plain(words[:LONGEST_MASKED]), given.password)
        masked = without_credentials(without_name(known, given.username))
        # What the first cut may have halved is in the tail.
        return shortened(masked if len(words) <= LONGEST_MASKED else masked[: -LONGEST_MASKED // 2])


def _refuse(constant: str) -> Any:
    """Python would read NaN and Infinity, which JSON has not (RFC 8259)."""
    raise ValueError(constant)
