"""Files inside a store path, and that nothing else can be reached through it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from nar_server.store_path import StorePath
from nar_server.tree import Elsewhere, Inside, parse_names, resolve

STORE = "/nix/store"
ONE, TWO = StorePath("0" * 32, "one"), StorePath("1" * 32, "two")


@pytest.fixture
def real(tmp_path: Path) -> Path:
    """A store of two paths, and something beside it."""
    (tmp_path / "secret").write_text("secret")
    root = tmp_path / "store"
    one = root / str(ONE)
    (one / "bin").mkdir(parents=True)
    (one / "bin" / "program").write_text("program")
    (root / str(TWO)).mkdir()
    (root / str(TWO) / "file").write_text("two")
    (root / ".links").mkdir()
    for name, target in {
        "relative": "bin/../bin/program",
        "absolute": f"{STORE}/{ONE}/bin",
        "out": "../../secret",
        "outside": "/etc/passwd",
        "store": STORE,
        "up": "..",
        "prefix": f"{STORE}-other/x",
        "hidden": "../.links",
        "two": f"{STORE}/{TWO}/file",
        "two-relative": f"../{TWO}/./file",
        "two-up": f"../{TWO}/../{ONE}/bin",
        "loop": "loop",
        "dangling": "absent",
        "chain": "relative",
        "self": ".",
    }.items():
        (one / name).symlink_to(target)
    os.mkfifo(one / "fifo")
    return root


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("", "."),
        ("bin", "bin"),
        ("bin/program", "bin/program"),
        ("relative", "bin/program"),
        ("absolute/program", "bin/program"),
        ("chain", "bin/program"),
        ("self/bin", "bin"),
        ("two", Elsewhere(TWO.hash_part, (b"file",))),
        ("two-relative", Elsewhere(TWO.hash_part, (b"file",))),
        ("two/deeper", Elsewhere(TWO.hash_part, (b"file", b"deeper"))),
        *((name, None) for name in ("out", "outside", "store", "up", "prefix", "hidden", "two-up", "loop", "dangling")),
        *((name, None) for name in ("up/x", "absent", "bin/program/x", "fifo", "relative/x", "up/secret")),
    ],
)
def test_resolve(real: Path, path: str, found: str | Elsewhere | None) -> None:
    names = tuple(os.fsencode(name) for name in path.split("/") if name)
    answer = resolve(os.fsencode(real), STORE, ONE, names)
    if not isinstance(found, str):
        assert answer == found
        return
    expected = (real / str(ONE) / found).resolve()
    assert answer == Inside(os.fsencode(expected), expected.is_dir())


def test_a_store_path_that_is_a_link(real: Path) -> None:
    link = StorePath("2" * 32, "link")
    (real / str(link)).symlink_to(f"{STORE}/{TWO}/file")
    assert resolve(os.fsencode(real), STORE, link, ()) == Elsewhere(TWO.hash_part, (b"file",))
    (real / str(link)).unlink()
    (real / str(link)).symlink_to("/etc/passwd")
    assert resolve(os.fsencode(real), STORE, link, ()) is None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ("a/b", (b"a", b"b")),
        ("a/", (b"a",)),
        ("a%20b/%ff", (b"a b", b"\xff")),
        ("..", None),
        ("a/../b", None),
        ("%2e%2e/x", None),
        ("a%2fb", None),
        ("a%00", None),
        ("a//b", None),
        ("/a", None),
        (".", None),
    ],
)
def test_parse_names(text: str, names: tuple[bytes, ...] | None) -> None:
    assert parse_names(text) == names


def test_redirects_are_escaped() -> None:
    assert Elsewhere("1" * 32, (b'a"b<', b"c d")).target == f"/serve/{'1' * 32}/a%22b%3C/c%20d"
