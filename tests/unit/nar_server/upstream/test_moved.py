"""An upstream packed a NAR anew, or put it elsewhere, after its narinfo was read."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from nar_server.upstream.client import FetchError

from .conftest import PACKERS, FakeUpstream, OfferedPath, Pulling, config_of
from .test_pull import LARGE, fetch, run


def moved(fake: FakeUpstream) -> OfferedPath:
    """The NAR lies elsewhere, as its narinfo says from now on."""
    path = fake.add("x", LARGE, URL="nar/elsewhere.nar")
    fake.bodies["/cache/nar/elsewhere.nar"] = fake.bodies.pop("/cache/nar/x.nar.none")
    return path


def packed_anew(fake: FakeUpstream) -> OfferedPath:
    """The NAR is packed otherwise, as its narinfo says from now on."""
    path = fake.add("x", LARGE, Compression="gzip")
    fake.bodies["/cache/nar/x.nar.none"] = PACKERS["gzip"](path.nar)
    return path


@pytest.mark.parametrize("change", [moved, packed_anew])
def test_the_narinfo_is_asked_for_again(fake: FakeUpstream, make_puller: Any, change: Any) -> None:
    path = fake.add("x", LARGE)
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        assert await pulling.puller.find(pulling.view, path.hash_part) is not None
        change(fake)
        with pytest.raises(FetchError):
            await fetch(pulling, path.hash_part)
        # It does answer: its other paths are still to be had.
        assert pulling.puller.upstreams["near"].breaker.healthy
        assert await fetch(pulling, path.hash_part) == path.nar
        await pulling.puller.close()

    run(work())


@pytest.mark.parametrize("change", [moved, packed_anew])
def test_the_narinfo_of_the_spool_is_not_taken_for_it(fake: FakeUpstream, make_puller: Any, change: Any) -> None:
    path = fake.add("x", LARGE)
    pulling, other = make_puller(config_of(fake)), make_puller(config_of(fake))

    async def work() -> None:
        assert await fetch(pulling, path.hash_part) == path.nar
        await pulling.puller.finish()
        (pulling.puller.spool.folder / f"{path.info.nar_hash_base32}.nar").unlink()
        change(fake)
        with pytest.raises(FetchError):
            await fetch(other, path.hash_part)
        assert await fetch(other, path.hash_part) == path.nar
        await pulling.puller.close()
        await other.puller.close()

    run(work())


def test_what_is_not_there_any_more_is_not_offered_any_more(fake: FakeUpstream, make_puller: Any) -> None:
    path = fake.add("x", LARGE)
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        assert await pulling.puller.find(pulling.view, path.hash_part) is not None
        fake.bodies.clear()
        with pytest.raises(FetchError):
            await fetch(pulling, path.hash_part)
        assert await pulling.puller.find(pulling.view, path.hash_part) is None
        await pulling.puller.close()

    run(work())


@pytest.mark.parametrize(("status", "healthy"), [(302, True), (403, True), (410, True), (429, False), (503, False)])
def test_what_a_nar_is_answered_with_says_whether_others_are_to_be_had(
    fake: FakeUpstream, make_puller: Any, status: int, healthy: bool
) -> None:
    path = fake.add("x", LARGE)
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        assert await pulling.puller.find(pulling.view, path.hash_part) is not None
        fake.status = status
        with pytest.raises(FetchError):
            await fetch(pulling, path.hash_part)
        assert pulling.puller.upstreams["near"].breaker.healthy == healthy
        await pulling.puller.close()

    run(work())


def gone(fake: FakeUpstream) -> None:
    del fake.bodies["/cache/nar/x.nar.none"]


def wrong(fake: FakeUpstream) -> None:
    fake.bodies["/cache/nar/x.nar.none"] = fake.bodies["/cache/nar/x.nar.none"][:-1] + b"\1"


def truncated(fake: FakeUpstream) -> None:
    fake.truncate = 8


def broken(fake: FakeUpstream) -> None:
    fake.status = 503


@pytest.mark.parametrize("answers_again", [False, True])
@pytest.mark.parametrize("strata", [(1, 1), (1, 2)])
@pytest.mark.parametrize("harm", [gone, wrong, truncated, broken])
def test_another_upstream_has_what_one_does_not_give(
    make_upstream: Any, make_puller: Any, harm: Any, strata: tuple[int, int], answers_again: bool
) -> None:
    near, far = make_upstream("near-1"), make_upstream("far-1")
    path = near.add("x", LARGE)
    pulling = make_puller(config_of(near, "near", strata[0]), config_of(far, "far", strata[1]))

    async def work() -> None:
        assert await pulling.puller.find(pulling.view, path.hash_part) is not None
        far.add("x", LARGE)
        harm(near)
        with pytest.raises(FetchError):
            await fetch(pulling, path.hash_part)
        if answers_again:
            near.status = 200
            pulling.puller.upstreams["near"].breaker.succeeded()
        assert await fetch(pulling, path.hash_part) == path.nar
        await pulling.puller.close()

    run(work())
    assert (near.nars(), far.nars()) == (1, 1)


def test_of_an_upstream_that_is_left_out_only_what_is_here_is_offered(fake: FakeUpstream, make_puller: Any) -> None:
    here, coming, known = fake.add("here", LARGE), fake.add("coming", LARGE + b"1"), fake.add("known", LARGE + b"2")
    pulling = make_puller(config_of(fake))
    breaker = pulling.puller.upstreams["near"].breaker

    async def offered() -> list[bool]:
        return [await pulling.puller.find(pulling.view, path.hash_part) is not None for path in (here, coming, known)]

    async def work() -> None:
        assert await fetch(pulling, here.hash_part) == here.nar
        fake.hold = True
        assert await offered() == [True, True, True]
        under_way = asyncio.ensure_future(fetch(pulling, coming.hash_part))
        while not fake.half_sent.is_set():
            await asyncio.sleep(0.01)
        breaker.failed()
        assert await offered() == [True, True, False]
        breaker.succeeded()
        assert await offered() == [True, True, True]
        fake.go_on.set()
        assert await under_way == coming.nar
        await pulling.puller.close()

    run(work())


def test_a_kept_narinfo_of_an_upstream_that_is_left_out_hides_no_other(make_upstream: Any, make_puller: Any) -> None:
    near, far = make_upstream("near-1"), make_upstream("far-1")
    path = near.add("x", LARGE)
    upstreams = config_of(near, "near"), config_of(far, "far", 2)
    pulling, other = make_puller(*upstreams), make_puller(*upstreams)

    async def work() -> None:
        assert await fetch(pulling, path.hash_part) == path.nar
        await pulling.puller.finish()
        (pulling.puller.spool.folder / f"{path.info.nar_hash_base32}.nar").unlink()
        far.add("x", LARGE)
        other.puller.upstreams["near"].breaker.failed()
        assert await fetch(other, path.hash_part) == path.nar
        await pulling.puller.close()
        await other.puller.close()

    run(work())
    assert far.nars() == 1


def test_a_client_that_tries_again_after_a_cut_has_what_it_was_promised(fake: FakeUpstream, make_puller: Any) -> None:
    paths = [fake.add(name, LARGE + name.encode()) for name in ("x", "y")]
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        for path in paths:
            assert await pulling.puller.find(pulling.view, path.hash_part) is not None
        fake.truncate = 8
        with pytest.raises(FetchError):
            await fetch_promised(pulling, paths[0])
        fake.truncate = 0
        # A client tries again after a cut, never after a 404; and its upstream is left out by now.
        assert not pulling.puller.upstreams["near"].breaker.healthy
        for path in paths:
            assert await fetch_promised(pulling, path) == path.nar
        await pulling.puller.close()

    run(work())


async def fetch_promised(pulling: Pulling, path: OfferedPath) -> bytes:
    """What a client gets that has the narinfo."""
    reader = await pulling.puller.open(pulling.view, path.hash_part, path.info)
    assert reader is not None
    try:
        return b"".join([data async for data in pulling.puller.tail(reader, path.info)])
    finally:
        reader.close()


def test_a_nar_is_not_taken_for_another_that_is_offered_by_now(fake: FakeUpstream, make_puller: Any) -> None:
    path, other = fake.add("x", LARGE), fake.add("y", b"other")
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        assert await pulling.puller.open(pulling.view, path.hash_part, other.info) is None
        await pulling.puller.close()

    run(work())
    assert fake.nars() == 0


def test_what_is_refused_of_one_upstream_takes_nothing_from_another(make_upstream: Any, make_puller: Any) -> None:
    near, far = make_upstream("near-1"), make_upstream("far-1")
    pulling = make_puller(config_of(near, "near"), config_of(far, "far"))
    path = far.add("x", LARGE)

    async def work() -> None:
        assert await fetch(pulling, path.hash_part) == path.nar
        await pulling.puller.finish()
        kept = pulling.puller.spool.read_narinfo(path.hash_part)
        offer = await pulling.puller.find(pulling.view, path.hash_part)
        pulling.puller._finder.refuse(pulling.puller.upstreams["near"], offer)
        assert pulling.puller.spool.read_narinfo(path.hash_part) == kept
        await pulling.puller.close()

    run(work())


def test_a_question_whose_asker_left_is_waited_for(fake: FakeUpstream, make_puller: Any) -> None:
    path = fake.add("x")
    fake.pause = 0.3
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        asking = asyncio.ensure_future(pulling.puller.find(pulling.view, path.hash_part))
        await asyncio.sleep(0.1)
        asking.cancel()
        await pulling.puller.finish()
        await pulling.puller.close()

    run(work())
    assert pulling.puller.upstreams["near"].breaker.healthy
