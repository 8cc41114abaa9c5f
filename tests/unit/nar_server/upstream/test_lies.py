"""An upstream whose key is trusted and whose narinfos are wrong: it costs itself, and no other path."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from nar_server.http import Request
from nar_server.keys import SecretKey
from nar_server.path_info import PathInfo
from nar_server.pulled import PulledAnswers
from nar_server.signing import Signer
from nar_server.upstream.client import FetchError
from nar_server.upstream.pull import HELD_BACK

from .conftest import STORE, FakeUpstream, OfferedPath, config_of
from .test_pull import LARGE, fetch, run


def other_size(fake: FakeUpstream, difference: int) -> OfferedPath:
    """A path of the content LARGE whose narinfo, signed by the upstream, says another size."""
    true = fake.add("lie", LARGE).info
    said = PathInfo(true.path, true.nar_hash, true.nar_size + difference)
    signature = Signer(fake.key).sign(said.fingerprint(STORE)).text
    return fake.add("lie", LARGE, NarSize=str(said.nar_size), Sig=signature)


@pytest.mark.parametrize("difference", [-HELD_BACK - 1, -1, 1, 8000])
def test_a_nar_that_is_here_is_not_of_another_size(
    fake: FakeUpstream,
    make_puller: Any,
    make_view: Any,
    make_key: Callable[[str], SecretKey],
    difference: int,
) -> None:
    path, lie = fake.add("x", LARGE), other_size(fake, difference)
    pulling = make_puller(config_of(fake))
    view = make_view([config_of(fake)], [make_key("ours-1")])
    answers = PulledAnswers(pulling.puller)

    async def work() -> None:
        assert await fetch(pulling, path.hash_part) == path.nar
        await pulling.puller.finish()
        narinfo = await answers.narinfo(view, path.hash_part)
        assert narinfo is not None
        assert b"Sig: ours-1:" in narinfo.body
        for _ in range(2):
            narinfo = await answers.narinfo(view, lie.hash_part)
            assert narinfo is not None
            assert b"Sig: ours-1:" not in narinfo.body
            assert await answers.nar(Request("GET", "/", {}), view, lie.hash_part, lie.info.nar_hash_base32) is None
        assert await fetch(pulling, path.hash_part) == path.nar
        await pulling.puller.close()

    run(work())
    # It was dropped, and asked for again.
    assert fake.requests[f"/cache/{lie.hash_part}.narinfo"] == 2
    assert fake.nars() == 1


def test_a_nar_under_way_is_not_joined_under_another_size(fake: FakeUpstream, make_puller: Any) -> None:
    path, lie = fake.add("x", LARGE), other_size(fake, -HELD_BACK - 1)
    fake.hold = True
    pulling, other = make_puller(config_of(fake)), make_puller(config_of(fake))

    async def work() -> None:
        honest = asyncio.ensure_future(fetch(pulling, path.hash_part))
        while not fake.half_sent.is_set():
            await asyncio.sleep(0.01)
        lies = [asyncio.ensure_future(fetch(each, lie.hash_part)) for each in (pulling, other)]
        while not fake.requests["/cache/nar/lie.nar.none"]:
            await asyncio.sleep(0.01)
        fake.go_on.set()
        assert await honest == path.nar
        assert [type(each) for each in await asyncio.gather(*lies, return_exceptions=True)] == [FetchError] * 2
        assert await fetch(pulling, path.hash_part) == path.nar
        await pulling.puller.close()
        await other.puller.close()

    run(work())
