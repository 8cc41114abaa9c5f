"""An upstream whose key is trusted and whose narinfos are wrong: it costs itself, and no other path."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from nar_server.http import Request
from nar_server.keys import SecretKey
from nar_server.path_info import PathInfo
from nar_server.pulled import PulledAnswers
from nar_server.signing import Signer
from nar_server.store_path import StorePath
from nar_server.upstream import finder
from nar_server.upstream.client import LONGEST_NARINFO, FetchError
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


def test_a_padded_narinfo_is_refused_and_told_once(
    fake: FakeUpstream, make_puller: Any, caplog: pytest.LogCaptureFixture
) -> None:
    padded = fake.add("padded", Padding="x" * LONGEST_NARINFO)
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        for _ in range(3):
            assert await pulling.puller.find(pulling.view, padded.hash_part) is None
        await pulling.puller.close()

    run(work())
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == [
        f"upstream near: the narinfo of {padded.hash_part} is not believed: it is longer than {LONGEST_NARINFO} bytes"
    ]
    assert pulling.metrics.value("nar_server_upstream_requests_total", upstream="near", outcome="untrusted") == 3
    assert pulling.puller.upstreams["near"].breaker.healthy


def test_a_path_with_very_many_references_fits(fake: FakeUpstream, make_puller: Any) -> None:
    references = tuple(StorePath(f"{number:032}", "n" * 60) for number in range(2000))
    path = fake.add("x", references=references)
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        offer = await pulling.puller.find(pulling.view, path.hash_part)
        assert offer is not None
        assert offer.info.references == references
        await pulling.puller.close()

    run(work())


def test_lines_that_nobody_reads_are_not_kept(fake: FakeUpstream, make_puller: Any) -> None:
    path = fake.add("x", **{f"X{number}": "x" * 4000 for number in range(50)})
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        assert await fetch(pulling, path.hash_part) == path.nar
        await pulling.puller.finish()
        await pulling.puller.close()

    run(work())
    kept = pulling.puller.spool.read_narinfo(path.hash_part)
    assert kept == ("near", path.narinfo.partition("X0: ")[0])


def test_offers_are_remembered_up_to_so_many_bytes(
    fake: FakeUpstream, make_puller: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [fake.add(f"{number}", Deriver=f"{'0' * 32}-{'x' * 200}") for number in range(10)]
    monkeypatch.setattr(finder, "MOST_BYTES", 4 * len(paths[0].narinfo))
    pulling = make_puller(config_of(fake))

    def asked(path: OfferedPath) -> int:
        return fake.requests[f"/cache/{path.hash_part}.narinfo"]

    async def work() -> None:
        for path in (*paths, *paths[-4:]):
            assert await pulling.puller.find(pulling.view, path.hash_part) is not None
        assert [asked(path) for path in paths] == [1] * 10
        for path in paths[:6]:
            assert await pulling.puller.find(pulling.view, path.hash_part) is not None
        assert [asked(path) for path in paths] == [2] * 6 + [1] * 4
        await pulling.puller.close()

    run(work())


@pytest.mark.parametrize(
    ("narinfo", "reason"),
    [
        ("A" * 100_000, "is not a line of a narinfo"),
        ("\x1b[31m", "is not a line of a narinfo"),
        ("NarHash: " + "A" * 100_000, "NarHash 'AAA"),
        ("StorePath: /nix/store/" + "A" * 100_000, "believed: 'AAA"),
        ("Compression: " + "A" * 100_000, "is not a compression known here"),
        ("URL: http://127.0.0.2/\x01" + "A" * 100_000, "its NAR is not with the upstream"),
    ],
)
def test_little_of_a_wrong_narinfo_is_told_and_on_one_line(
    fake: FakeUpstream, make_puller: Any, caplog: pytest.LogCaptureFixture, narinfo: str, reason: str
) -> None:
    right = fake.add("x")
    lines = [line for line in right.narinfo.splitlines() if not line.startswith(narinfo.partition(":")[0])]
    fake.bodies[f"/cache/{right.hash_part}.narinfo"] = "\n".join((*lines, narinfo)).encode()
    pulling = make_puller(config_of(fake))

    async def work() -> None:
        assert await pulling.puller.find(pulling.view, right.hash_part) is None
        await pulling.puller.close()

    run(work())
    (told,) = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(told) < 400
    assert told.isprintable()
    assert reason in told
