"""Random trees over HTTP: what the server sends is what ``nix-store --dump`` writes, whole and in part."""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from nar_server.filler import Filler
from nar_server.hot_tier import HotTier, Source
from nar_server.layout import SMALL_FILE

from .bounds import many
from .test_nar import dump, files, links, make, names

# Sizes at which runs, files and padding end.
sizes = st.sampled_from(
    [0, 1, 7, 8, 9, SMALL_FILE - 1, SMALL_FILE, SMALL_FILE + 1, 512 * 1024, 512 * 1024 - 200, 3 * 2**20 + 5]
)
sparse = st.tuples(st.just("sparse"), sizes)
hard_links = st.tuples(st.just("hard link"))
leaves = files | links | sparse | hard_links
trees = st.recursive(
    leaves,
    lambda inner: st.tuples(st.just("directory"), st.dictionaries(names, inner, max_size=6)),
    max_leaves=20,
)
NUMBERS = itertools.count()
ODD = ("directory", {name: ("file", name, 0o444) for name in (b"a", b"a-", b"a.b", b"a\n", b"\xff", b"B")})
EMPTY_BUT_FOR_MANY: Any = ("directory", {b"%d" % number: ("directory", {}) for number in range(300)})


def make_odd(tree: Any, path: bytes, other: bytes) -> None:
    """As ``make``, with sparse files and links to one file elsewhere."""
    if tree[0] == "sparse":
        with open(path, "wb") as file:  # noqa: PTH123
            file.truncate(tree[1])
    elif tree[0] == "hard link":
        os.link(other, path)
    elif tree[0] == "directory":
        os.mkdir(path)  # noqa: PTH102
        for name, inner in tree[1].items():
            make_odd(inner, path + b"/" + name, other)
    else:
        make(tree, path)


@settings(max_examples=many(30), deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=trees, cuts=st.lists(st.floats(0, 1), min_size=6, max_size=6))
@example(tree=ODD, cuts=[0, 0.1, 0.3, 0.3, 0.9, 1])
@example(tree=EMPTY_BUT_FOR_MANY, cuts=[0, 0, 0.5, 0.6, 1, 1])
def test_random_trees_and_ranges(nix: Any, store: Any, serve: Any, tree: Any, cuts: list[float]) -> None:
    with tempfile.TemporaryDirectory(dir=store.directory.parent) as folder:
        other = Path(folder, "other")
        other.write_bytes(b"content of several names")

        def make_it(real: Path) -> None:
            make_odd(tree, os.fsencode(real), os.fsencode(other))

        path = store.add(f"x{next(NUMBERS)}", make_it)
        expected = dump(path.real)
        assert path.nar == expected
        hot = Path(folder, "hot")
        hot.mkdir()
        source = Source(os.fsencode(path.real), hashlib.sha256(expected).digest(), len(expected))
        Filler(hot, 2**30).fill(source)
        size = len(expected)
        ends = sorted(min(size - 1, int(cut * size)) for cut in cuts)
        for tier in (None, HotTier(hot, 0)):
            with serve(store, tier=tier) as server:
                # A range of a path nobody asked for yet, the whole, and ranges of what is known by then.
                for first, last in zip(ends[::2], ends[1::2], strict=True):
                    part = server.ask(path.url, headers=f"Range: bytes={first}-{last}\r\n")
                    assert (part.status, part.body) == (206, expected[first : last + 1])
                assert server.ask(path.url).body == expected
                assert server.ask(path.url, headers=f"Range: bytes={ends[0]}-\r\n").body == expected[ends[0] :]
            if tier is not None:
                tier.close()
        subprocess.run(["rm", "-rf", path.real], check=True)


def test_a_sparse_file_of_more_than_4_gib_to_its_last_byte(store: Any, serve: Any, nix: Any) -> None:
    size = 2**32 + 3
    path = store.add("sparse", b"")
    os.truncate(path.real, size)
    with subprocess.Popen(["nix-store", "--dump", path.real], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        head = process.stdout.read(200)
        process.kill()
    whole = 112 + size + -size % 8
    store.execute("update ValidPaths set narSize = ?", (whole,))
    with serve(store) as server:
        assert server.ask(path.url, "HEAD").headers["content-length"] == str(whole)
        assert server.ask(path.url, headers="Range: bytes=0-199\r\n").body == head
        for first in (2**31 - 1, 2**32 - 1, 2**32 + 90):
            part = server.ask(path.url, headers=f"Range: bytes={first}-{first + 9}\r\n")
            assert (part.status, part.body) == (206, bytes(10))
        tail = server.ask(path.url, headers="Range: bytes=-30\r\n").body
        assert tail == bytes(14) + (1).to_bytes(8, "little") + b")" + bytes(7)
        assert server.ask(path.url, headers=f"Range: bytes={whole}-\r\n").status == 416
