# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role's nginx in front of servers that answer as they are told: what it keeps, and whom it passes over."""

from __future__ import annotations

import contextlib
import http.client
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nixvegas.noc.tests.reverse_proxy import SITE, Front, reverse_proxy

from .backend import Backend, running

NARINFO = f"/{'0' * 32}.narinfo"
SECOND = f"/{'1' * 32}.narinfo"
BADGE = "ESP32 HTTP Client/1.0"
MD5_LENGTH = 32
SECONDS = 2
"""How long narinfos are kept here."""


@pytest.fixture
def backends() -> Iterator[tuple[Backend, Backend]]:
    """The first one, and its backup, which says of everything that the backup said it."""
    with running() as first, running() as second:
        yield first, second


@pytest.fixture
def front(tmp_path: Path, backends: tuple[Backend, Backend]) -> Iterator[Front]:
    """nginx in front of both."""
    with serve(tmp_path, backends) as started:
        yield started


def serve(
    folder: Path, backends: tuple[Backend, Backend], **variables: Any
) -> contextlib.AbstractContextManager[Front]:
    ports = [backend.port for backend in backends]
    return reverse_proxy(folder / "nginx", ports, **({"reverse_proxy_narinfo_seconds": SECONDS} | variables))


def ask(front: Front, target: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers in lower case, and body of one answer."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", front.port, timeout=20)) as connection:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, target, headers={"Host": SITE} | named)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def ask_and_keep(front: Front, target: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """One answer, and nginx has written it down: it does so while it passes it on."""
    answer = ask(front, target, method, **headers)
    until(lambda: [file for file in (front.folder / "cache").rglob("*") if len(file.name) == MD5_LENGTH] != [])
    return answer


@pytest.mark.parametrize("target", [NARINFO, "/nix-cache-info", f"/hydra{NARINFO}", f"{NARINFO}?json"])
def test_a_narinfo_is_asked_for_once(front: Front, backends: tuple[Backend, Backend], target: str) -> None:
    first, _ = backends
    first.answers[target] = b"narinfo"
    got = [ask_and_keep(front, target, "HEAD"), *(ask(front, target, method) for method in ("GET", "HEAD", "GET"))]
    assert [(status, headers["content-length"], body) for status, headers, body in got] == [
        (200, "7", b""),
        (200, "7", b"narinfo"),
    ] * 2
    assert first.targets() == [f"GET {target}"]


@pytest.mark.parametrize(
    "target", ["/", "/health", f"/{'0' * 32}.ls", f"/serve/{'0' * 32}/{'1' * 32}.narinfo", "/nar/x.nar?hash=y"]
)
def test_nothing_else_is_kept(front: Front, backends: tuple[Backend, Backend], target: str) -> None:
    first, _ = backends
    for content in (b"first", b"second"):
        first.answers[target] = content
        assert ask(front, target)[2] == content


def test_each_address_is_kept_apart(front: Front, backends: tuple[Backend, Backend]) -> None:
    first, _ = backends
    targets = [NARINFO, SECOND, f"{NARINFO}?json", f"/hydra{NARINFO}"]
    first.answers.update({target: target.encode() for target in targets})
    assert [ask(front, target)[2] for target in targets * 2] == [target.encode() for target in targets * 2]


@pytest.mark.parametrize("missing", [{"Cache-Control": "no-store"}, {}, {"Cache-Control": "max-age=3600"}])
def test_a_path_registered_a_moment_ago_is_there_at_once(
    front: Front, backends: tuple[Backend, Backend], missing: dict[str, str]
) -> None:
    first, _ = backends
    first.missing = missing
    assert ask(front, NARINFO)[0] == 404
    first.answers[NARINFO] = b"narinfo"
    assert ask(front, NARINFO)[0] == 200


def test_a_path_that_was_collected_is_gone_soon(front: Front, backends: tuple[Backend, Backend]) -> None:
    first, second = backends
    first.answers[NARINFO] = second.answers[NARINFO] = b"narinfo"
    assert ask_and_keep(front, NARINFO)[0] == 200
    del first.answers[NARINFO]
    time.sleep(SECONDS + 1)
    assert ask(front, NARINFO)[0] == 404


def test_nothing_is_promised_that_no_backend_has(front: Front, backends: tuple[Backend, Backend]) -> None:
    first, second = backends
    first.answers[NARINFO] = b"narinfo"
    assert ask_and_keep(front, NARINFO)[0] == 200
    first.answers[NARINFO] = second.answers[NARINFO] = None
    time.sleep(SECONDS + 1)
    assert ask(front, NARINFO)[0] == 502


def test_what_the_backup_said_is_kept_too(front: Front, backends: tuple[Backend, Backend]) -> None:
    first, second = backends
    first.answers[NARINFO], second.answers[NARINFO] = None, b"narinfo"
    ask_and_keep(front, NARINFO)
    assert [ask(front, NARINFO)[2] for _ in range(3)] == [b"narinfo"] * 3
    assert len(second.asked) == 1


def test_an_answer_that_may_not_be_kept_is_not(front: Front, backends: tuple[Backend, Backend]) -> None:
    first, _ = backends
    first.headers["Cache-Control"] = "no-store"
    for content in (b"first", b"second"):
        first.answers[NARINFO] = content
        assert ask(front, NARINFO)[2] == content


def test_badges_and_all_others_get_answers_of_their_own(front: Front, backends: tuple[Backend, Backend]) -> None:
    first, _ = backends
    first.answers[NARINFO] = b"narinfo"
    for agent in (BADGE, "curl/8.14.1 Nix/2.26.3", BADGE, "curl/8.14.1 Nix/2.26.3"):
        status, headers, body = (ask if agent == BADGE else ask_and_keep)(front, NARINFO, User_Agent=agent)
        assert (status, body) == (200, b"narinfo")
        assert ("content-length" in headers) is (agent != BADGE)
    assert [request.headers["user-agent"] == BADGE for request in first.asked] == [True, False, True]


def test_nars_pass_as_they_are_asked_for_and_leave_nothing(front: Front, backends: tuple[Backend, Backend]) -> None:
    first, _ = backends
    first.answers["/nar/x.nar"] = bytes(range(256)) * 40_000
    first.headers |= {"Vary": "Accept-Encoding", "Accept-Ranges": "bytes"}
    _, headers, body = ask(front, "/nar/x.nar", Accept_Encoding="zstd", Range="bytes=5-9")
    assert body == first.answers["/nar/x.nar"]
    assert (headers["vary"], headers["accept-ranges"]) == ("Accept-Encoding", "bytes")
    assert (first.asked[0].headers["range"], first.asked[0].headers["accept-encoding"]) == ("bytes=5-9", "zstd")
    assert [file for folder in ("cache", "temp") for file in (front.folder / folder).rglob("*") if file.is_file()] == []


def test_it_can_be_switched_off(tmp_path: Path, backends: tuple[Backend, Backend]) -> None:
    first, _ = backends
    first.answers[NARINFO] = b"narinfo"
    with serve(tmp_path, backends, reverse_proxy_narinfo_seconds=0) as front:
        for _ in range(3):
            assert ask(front, NARINFO)[2] == b"narinfo"
    assert len(first.asked) == 3


def test_connections_to_a_backend_are_used_again(front: Front, backends: tuple[Backend, Backend]) -> None:
    first, _ = backends
    first.answers["/x"] = b"x"
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", front.port, timeout=20)) as connection:
        for _ in range(20):
            connection.request("GET", "/x", headers={"Host": SITE})
            assert connection.getresponse().read() == b"x"
    assert len({request.client for request in first.asked}) == 1


def test_a_nar_that_was_cut_takes_no_backend_out(front: Front, backends: tuple[Backend, Backend]) -> None:
    first, second = backends
    first.answers |= {"/before": None, "/within": b"x" * 100_000, "/x": b"first"}
    first.cut.add("/within")
    second.answers |= {"/before": b"second", "/x": b"second"}
    assert ask(front, "/before")[2] == b"second"
    with pytest.raises(http.client.IncompleteRead):
        ask(front, "/within")
    assert {ask(front, "/x")[2] for _ in range(10)} == {b"first"}


def test_a_dead_backend_is_left_out_and_comes_back(front: Front, backends: tuple[Backend, Backend]) -> None:
    first, second = backends
    first.answers["/x"], second.answers["/x"] = None, b"second"
    assert {ask(front, "/x")[2] for _ in range(30)} == {b"second"}
    assert len(first.asked) == 3
    first.answers["/x"] = b"first"
    until(lambda: ask(front, "/x")[2] == b"first")
