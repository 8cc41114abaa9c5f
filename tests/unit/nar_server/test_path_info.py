"""Rows of the database, and the fingerprint that is signed."""

from __future__ import annotations

import random
from typing import Any

import pytest
from nar_server.path_info import MalformedRowError, PathInfo, parse_row
from nar_server.store_path import StorePath

STORE = "/nix/store"
PATH = f"{STORE}/{'0' * 32}-x"


def row(**columns: Any) -> PathInfo:
    """A row with some columns replaced."""
    values: dict[str, Any] = {
        "path": PATH,
        "nar_hash": "sha256:" + "ab" * 32,
        "nar_size": 112,
        "references": [],
        "deriver": None,
        "ultimate": None,
        "signatures": None,
        "content_address": None,
    }
    return parse_row(STORE, **(values | columns))


def test_empty_columns() -> None:
    info = row(signatures="", content_address="", deriver="")
    assert info == PathInfo(StorePath("0" * 32, "x"), b"\xab" * 32, 112)


def test_columns() -> None:
    info = row(ultimate=1, signatures="a:b  c:d", deriver=f"{STORE}/{'1' * 32}-x.drv", content_address="text:sha256:x")
    assert info.ultimate
    assert info.signatures == ("a:b", "", "c:d")
    assert str(info.deriver) == f"{'1' * 32}-x.drv"
    assert info.content_address == "text:sha256:x"


def test_fingerprint_sorts_references_and_keeps_the_path_itself() -> None:
    names = [f"{digit * 32}-n" for digit in "3z1a20"] + ["0" * 32 + "-x"]
    random.Random(1).shuffle(names)
    info = row(references=[f"{STORE}/{name}" for name in [*names, names[0]]])
    listed = ",".join(f"{STORE}/{name}" for name in sorted(names))
    text = info.fingerprint(STORE).decode()
    assert text == f"1;{PATH};sha256:{info.nar_hash_base32};112;{listed}"
    assert len(info.nar_hash_base32) == 52


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"path": f"{STORE}/x"}, "is not the base name of a store path"),
        ({"nar_hash": "sha256:" + "AB" * 32}, "is not a SHA-256 hash in base 16"),
        ({"nar_hash": "md5:" + "ab" * 16}, "is not a SHA-256 hash in base 16"),
        ({"nar_size": None}, "its NAR size is None"),
        ({"nar_size": 0}, "its NAR size is 0"),
        ({"nar_size": -1}, "its NAR size is -1"),
        ({"references": ["/etc/passwd"]}, "'/etc/passwd' is not in the store"),
        ({"content_address": "text:sha256:x\nSig: y"}, "is not a content address"),
    ],
)
def test_malformed(columns: dict[str, Any], reason: str) -> None:
    with pytest.raises(MalformedRowError, match=reason):
        row(**columns)
