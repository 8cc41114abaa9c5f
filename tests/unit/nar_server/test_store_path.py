"""Store paths."""

from __future__ import annotations

import pytest
from nar_server.store_path import StorePath

HASH = "0123456789abcdfghijklmnpqrsvwxyz"


def test_parse() -> None:
    path = StorePath.parse_full(f"/nix/store/{HASH}-hello-2.12+x_y?=.drv", "/nix/store")
    assert (path.hash_part, path.name) == (HASH, "hello-2.12+x_y?=.drv")
    assert str(path) == f"{HASH}-hello-2.12+x_y?=.drv"


@pytest.mark.parametrize(
    "path",
    [
        f"/nix/store/{HASH}",
        f"/nix/store/{HASH}-",
        f"/nix/store/{HASH[:-1]}-x",
        f"/nix/store/{HASH}0-x",
        f"/nix/store/{HASH.upper()}-x",
        f"/nix/store/e{HASH[1:]}-x",
        f"/nix/store/{HASH}-x/y",
        f"/nix/store/{HASH}-x\n",
        f"/nix/store/{HASH}-{'x' * 212}",
        f"/nix/store/../{HASH}-x",
        f"/other/store/{HASH}-x",
        f"/nix/store{HASH}-x",
        "",
    ],
)
def test_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        StorePath.parse_full(path, "/nix/store")


def test_sorted_by_bytes() -> None:
    names = [f"{HASH}-a", f"{HASH}-A", f"{HASH}-a-", f"{HASH}-a.b", f"1{HASH[1:]}-0"]
    assert [str(path) for path in sorted(map(StorePath.parse, names))] == sorted(names, key=str.encode)
