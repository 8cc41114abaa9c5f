"""An upstream packed a NAR anew, or put it elsewhere, after its narinfo was read."""

from __future__ import annotations

from typing import Any

import pytest
from nar_server.upstream.client import FetchError

from .conftest import PACKERS, FakeUpstream, OfferedPath, config_of
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
