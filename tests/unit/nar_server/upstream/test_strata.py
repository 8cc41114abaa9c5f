"""Strata: all of one at once, the first trusted answer wins, then the next; and who is left out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from nar_server.keys import SecretKey
from nar_server.metrics import Shared
from nar_server.upstream.breaker import Breaker
from nar_server.upstream.client import FetchError
from nar_server.upstream.strata import ask_strata

from .conftest import FakeUpstream, config_of
from .test_pull import fetch, run


def ask(
    strata: list[list[str]], answers: dict[str, tuple[float, str | None]]
) -> tuple[str | None, list[str], list[str]]:
    """The answer, who was asked, and who was cancelled."""
    asked: list[str] = []
    cancelled: list[str] = []

    async def question(source: str) -> str | None:
        asked.append(source)
        delay, answer = answers[source]
        try:
            await asyncio.sleep(delay)
        except asyncio.CancelledError:
            cancelled.append(source)
            raise
        return answer

    return asyncio.run(ask_strata(strata, question)), asked, cancelled


def test_the_first_answer_of_a_stratum_wins() -> None:
    answers = {"a": (20, "slow"), "b": (0.01, None), "c": (0.02, "c"), "d": (0, "d")}
    assert ask([["a", "b", "c"], ["d"]], answers) == ("c", ["a", "b", "c"], ["a"])


def test_the_next_stratum_is_asked_when_nobody_has_it() -> None:
    answers: dict[str, tuple[float, str | None]] = {"a": (0, None), "b": (0, None), "c": (0, "c")}
    assert ask([["a", "b"], ["c"]], answers) == ("c", ["a", "b", "c"], [])
    assert ask([["a"], ["b"]], answers)[0] is None
    assert ask([], answers)[0] is None


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_breaker() -> None:
    shared, clock = Shared(), Clock()
    one, other = (Breaker(shared, 0, 1, clock) for _ in range(2))
    assert one.admits()
    for _ in range(5):
        one.failed()
    assert not other.healthy, "all workers share it"
    clock.now += 9
    assert not other.admits()
    clock.now += 2
    assert other.admits()
    assert not one.admits(), "one tries, the others wait"
    other.failed()
    clock.now += 15
    assert not one.admits(), "twice as long now"
    clock.now += 6
    assert one.admits()
    one.succeeded()
    assert other.healthy
    assert other.admits()


def find(pulling: Any, hash_part: str) -> Any:
    async def work() -> Any:
        try:
            return await pulling.puller.find(pulling.view, hash_part)
        finally:
            await pulling.puller.close()

    return asyncio.run(asyncio.wait_for(work(), 20))


def test_a_liar_does_not_keep_the_truth_away(
    make_upstream: Any, make_puller: Any, make_key: Any, caplog: pytest.LogCaptureFixture
) -> None:
    liar, honest = make_upstream("liar-1"), make_upstream("honest-1")
    liar.add("x", b"lie", sign_with=make_key("impostor-1"))
    honest.pause = 0.1
    path = honest.add("x")
    pulling = make_puller(config_of(liar, "liar"), config_of(honest, "honest"))
    assert find(pulling, path.hash_part).info == path.info
    count = pulling.metrics.value
    assert count("nar_server_upstream_requests_total", upstream="liar", outcome="untrusted") == 1
    assert count("nar_server_upstream_requests_total", upstream="honest", outcome="hit") == 1
    assert find(pulling, path.hash_part).info == path.info
    # Not said again with each request.
    assert sum("not believed" in record.message for record in caplog.records) == 1


def test_the_journal_says_where_nobody_answers(
    make_upstream: Any, make_puller: Any, caplog: pytest.LogCaptureFixture
) -> None:
    gone = replace(config_of(make_upstream("gone-1"), "gone"), url="http://127.0.0.1:1/cache")
    assert find(make_puller(gone), "a" * 32) is None
    (told,) = [record.message for record in caplog.records]
    assert told.startswith("upstream gone (http://127.0.0.1:1/cache) is left out for a while: Cannot connect")
    assert "127.0.0.1:1 [Connect call failed" in told


def test_a_dead_cache_of_the_first_stratum_does_not_hide_the_second(
    make_upstream: Callable[..., FakeUpstream], make_puller: Any
) -> None:
    dead, far = make_upstream("dead-1"), make_upstream("far-1")
    dead.status = 500
    path, unused = far.add("x"), dead.add("x")
    pulling = make_puller(config_of(dead, "dead"), config_of(far, "far", 2))
    assert find(pulling, path.hash_part).info == path.info
    assert dead.requests[f"/cache/{unused.hash_part}.narinfo"] == 1
    assert not pulling.puller.upstreams["dead"].breaker.healthy
    assert pulling.puller.upstreams["far"].breaker.healthy


@pytest.mark.parametrize("target", ["http://127.0.0.1:1/x", "/elsewhere"])
def test_redirects_are_not_followed(fake: FakeUpstream, make_puller: Any, target: str) -> None:
    path = fake.add("x")
    fake.redirect = target
    assert find(make_puller(config_of(fake)), path.hash_part) is None


@pytest.mark.parametrize("what", ["narinfo", "nar"])
def test_redirects_to_what_is_right_are_not_followed_either(
    make_upstream: Callable[..., FakeUpstream], make_puller: Any, what: str
) -> None:
    fake, other = make_upstream(), make_upstream()
    for each in (fake, other):
        path = each.add("x")
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        if what == "narinfo":
            fake.redirect = f"{other.url}/{path.hash_part}.narinfo"
            assert await pulling.puller.find(pulling.view, path.hash_part) is None
        else:
            assert await pulling.puller.find(pulling.view, path.hash_part) is not None
            fake.redirect = f"{other.url}/nar/x.nar.none"
            with pytest.raises(FetchError):
                await fetch(pulling, path.hash_part)
        await pulling.puller.close()

    run(work())
    assert not other.requests


def test_a_nobody(make_puller: Any, make_key: Callable[[str], SecretKey]) -> None:
    nobody = FakeUpstream(make_key("nobody-1"), port=1)
    pulling = make_puller(config_of(nobody))
    assert find(pulling, "0" * 32) is None
    assert not pulling.puller.upstreams["near"].breaker.healthy
