"""Ranges: which bytes, and that they are those of the whole NAR."""

from __future__ import annotations

import hashlib
import os
from itertools import count
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from nar_server import packs
from nar_server.filler import Filler
from nar_server.hot_tier import HotTier, Source
from nar_server.layout import BUFFER_SIZE
from nar_server.ranges import UnsatisfiableError, parse_range
from nar_server.survey import survey

MIB, GIB = 2**20, 2**30


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("", None),
        ("bytes=0-0", (0, 1)),
        ("bytes=0-", (0, 10)),
        ("bytes=9-", (9, 10)),
        ("bytes=3-5", (3, 6)),
        ("bytes=3-500", (3, 10)),
        ("bytes=-1", (9, 10)),
        ("bytes=-500", (0, 10)),
        ("bytes=5-3", None),
        ("bytes=-", None),
        ("bytes=1-2,4-5", None),
        ("bytes=a-b", None),
        ("lines=1-2", None),
        ("bytes=1 0-2 0", None),
        ("bytes =1-2", None),
        ("bytes=1 - 2", None),
        ("bytes=-0", UnsatisfiableError),
        ("bytes=10-", UnsatisfiableError),
        ("bytes=10-12", UnsatisfiableError),
    ],
)
def test_parse(text: str, span: Any) -> None:
    headers = {"range": text}
    if span is UnsatisfiableError:
        with pytest.raises(UnsatisfiableError):
            parse_range(headers, 10)
    else:
        assert parse_range(headers, 10) == span


def test_no_range_is_asked_for() -> None:
    assert parse_range({"host": "cache"}, 10) is None


@pytest.mark.parametrize("text", ["bytes=0-0", "bytes=10-"])
@pytest.mark.parametrize("validator", ['"tag"', 'W/"tag"', "Mon, 23 Nov 2026 19:00:00 GMT", ""])
def test_no_validator_matches(text: str, validator: str) -> None:
    assert parse_range({"range": text, "if-range": validator}, 10) is None


def huge(path: Path, size: int) -> tuple[bytes, bytes]:
    """A file of ``size`` bytes, few of which are on the disk, and one behind it: what is before and after the first."""
    path.mkdir()
    with (path / "a").open("wb") as file:
        file.truncate(size)
        for place in (0, 4 * GIB - 12, size - 16):
            file.seek(place)
            file.write(b"%016x" % place)
    (path / "b").write_bytes(b"behind it" * 10)
    before, after = survey(os.fsencode(path), (memoryview(bytearray(BUFFER_SIZE)) for _ in count()))
    return bytes(before.buffer[: before.run.size]), bytes(after.buffer[: after.run.size])


@pytest.mark.parametrize("packed", [False, True])
def test_ranges_beyond_4_gib(store: Any, serve: Any, tmp_path: Path, packed: bool) -> None:
    path, size = store.add("x"), 5 * GIB + 3
    path.real.unlink()
    before, after = huge(path.real, size)
    begin, end, whole = len(before), len(before) + size, len(before) + size + len(after)
    # Its hash is taken for that of all of it, which nobody has the time for.
    path.nar = before + after
    digest = hashlib.sha256(path.nar).digest()
    store.execute("update ValidPaths set hash = ?, narSize = ?", (f"sha256:{digest.hex()}", whole))
    tier = None
    if packed:
        (tmp_path / "hot").mkdir()
        with mock.patch.object(packs, "_hash_file"):
            Filler(tmp_path / "hot", MIB).fill(Source(os.fsencode(path.real), digest, whole))
        # The pack has it.
        (path.real / "b").unlink()
        tier = HotTier(tmp_path / "hot", 0)
    with serve(store, tier=tier) as server, (path.real / "a").open("rb", buffering=0) as file:
        for first in (0, begin + 4 * GIB - 20, begin + 4 * GIB, begin + 4 * GIB + 5, end - 20, end + 5, whole - 40):
            last = first + 39
            answer = server.ask(path.url, headers=f"Range: bytes={first}-{last}\r\n")
            assert (answer.status, answer.headers["content-range"]) == (206, f"bytes {first}-{last}/{whole}")
            start, stop = (min(max(edge, begin), end) for edge in (first, last + 1))
            inside = os.pread(file.fileno(), stop - start, start - begin)
            right = before[first : last + 1] + inside + after[max(0, first - end) : max(0, last + 1 - end)]
            assert len(right) == 40
            assert answer.body == right, first
        assert server.ask(path.url, "HEAD").headers["content-length"] == str(whole)


@pytest.mark.parametrize("make", ["small", "large", b"tiny!", b""])
def test_every_range_is_part_of_the_whole(store: Any, serve: Any, trees: Any, make: str | bytes) -> None:
    path = store.add("x", trees.get(make, make) if isinstance(make, str) else make)
    size = len(path.nar)
    edges = {
        0,
        1,
        7,
        8,
        95,
        96,
        97,
        98,
        99,
        100,
        101,
        102,
        103,
        104,
        size // 3,
        size // 2,
        size - 9,
        size - 8,
        size - 1,
    }
    firsts = sorted(edge for edge in edges if 0 <= edge < size)
    with serve(store) as server:
        for first in firsts:
            for last in (first, min(first + 200, size - 1), size - 1):
                answer = server.ask(path.url, headers=f"Range: bytes={first}-{last}\r\n")
                assert answer.status == 206
                assert answer.headers["content-range"] == f"bytes {first}-{last}/{size}"
                assert answer.body == path.nar[first : last + 1]
        beyond = server.ask(path.url, headers=f"Range: bytes={size}-\r\n")
        assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{size}")
        assert server.ask(path.url, headers="Range: bytes=-8\r\n").body == path.nar[-8:]
        assert server.ask(path.url, headers="Range: bytes=5-3\r\n").status == 200
        assert server.ask(path.url, headers='Range: bytes=0-1\r\nIf-Range: "tag"\r\n').status == 200
        whole = server.ask(path.url, "HEAD", headers="Range: bytes=0-1\r\n")
        assert (whole.status, whole.headers["content-length"]) == (200, str(size))
