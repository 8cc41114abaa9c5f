"""Rows that something other than Nix wrote: each is served as it stands or is a 404, and none is an error."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from .bounds import many
from .conftest import Added, Served, Store, key, serving

texts = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.binary(max_size=20)
hashes = texts | st.from_regex(r"(sha256|md5|SHA256):[0-9a-fA-F]{63,65}", fullmatch=True)
sizes = st.none() | st.integers(-(2**63), 2**63 - 1) | st.text("0a.-", max_size=5) | st.floats()
paths = texts | st.from_regex(r"/nix/store/[0-9a-z]{31,33}-[ -~]{0,12}", fullmatch=True)
signatures = texts | st.lists(st.from_regex(r"[a-z.-]{0,9}:?[A-Za-z0-9+/]{0,88}={0,3}", fullmatch=True)).map(" ".join)
addresses = texts | st.from_regex(r"(fixed|text):(r:)?(sha256|sha1|md5|x):[0-9a-z]{0,60}", fullmatch=True)
rows = st.fixed_dictionaries(
    {},
    optional={
        "hash": hashes.filter(lambda value: value is not None),
        "narSize": sizes,
        "deriver": paths,
        "ultimate": sizes,
        "sigs": signatures,
        "ca": addresses,
    },
)


# The bytes of a text that is no UTF-8, as a blob would be.
BROKEN = b"a:\xff"
LINES = [
    *("StorePath", "URL", "Compression", "FileHash", "FileSize", "NarHash", "NarSize", "References"),
    *("Deriver", "Sig", "CA"),
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Added, Served]]:
    """A store with one path, and a server of it."""
    store = Store(tmp_path_factory.mktemp("rows"))
    path = store.add("x", b"content")
    with serving(store, sign_with=[key("ours-1")], trust=[key("theirs-1").public]) as server:
        yield store, path, server


@settings(max_examples=many(150), deadline=None, suppress_health_check=list(HealthCheck))
@given(row=rows)
@example(row={"hash": BROKEN})
@example(row={"sigs": BROKEN, "ca": BROKEN, "deriver": BROKEN})
@example(row={"narSize": "many"})
@example(row={"narSize": 120.5})
@example(row={"narSize": 2**63 - 1})
@example(row={"sigs": "x:" + "A" * 86 + "==\nURL: http://elsewhere/"})
@example(row={"ca": "fixed:sha256:x\nSig: y"})
@example(row={"deriver": "/nix/store/" + "0" * 32 + "-x\nSig: y"})
def test_random_rows(served: tuple[Store, Added, Served], row: dict[str, Any]) -> None:
    store, path, server = served
    right = {"hash": f"sha256:{hashlib.sha256(path.nar).hexdigest()}", "narSize": len(path.nar)}
    columns = {"deriver": None, "ultimate": None, "sigs": None, "ca": None} | right | row
    changes = ", ".join(f"{name} = ?" for name in columns)
    store.execute(f"update ValidPaths set {changes}", tuple(columns.values()))
    narinfo = server.ask(f"/{path.hash_part}.narinfo")
    assert narinfo.status in (200, 404)
    if narinfo.status == 200:
        names = [line.partition(": ")[0] for line in narinfo.body.decode().splitlines()]
        assert names == sorted(names, key=LINES.index)
        assert [name for name in LINES[:8] if names.count(name) != 1] == []
    assert server.ask(f"/{path.hash_part}.narinfo?json").status == narinfo.status
    nar = server.ask(path.url)
    # Cut before its head left, when the size is another.
    assert nar.status in (0, 200, 404)
    assert nar.body == path.nar or not nar.whole or nar.status == 404
