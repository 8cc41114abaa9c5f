"""NARs, byte for byte as Nix writes them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nar_server.nar import (
    BATCH_SIZE,
    SMALL_FILE,
    FileContent,
    NarError,
    batches,
    open_file,
    piece_size,
    read_file,
    walk,
)

GIB = 1024**3

names = st.binary(min_size=1, max_size=12).filter(lambda name: not {0, 47} & set(name) and name not in (b".", b".."))
# Names of which one begins another order differently by bytes and by text.
names |= st.sampled_from([b"a", b"a-", b"a.b", b"a b", b"A", b"\xc3\xa4", b"\xff", b"a\n"])
files = st.tuples(st.just("file"), st.binary(max_size=40), st.sampled_from([0o444, 0o555, 0o655, 0o744, 0o600]))
links = st.tuples(st.just("link"), st.binary(min_size=1, max_size=20).filter(lambda target: 0 not in target))
trees = st.recursive(
    files | links,
    lambda inner: st.tuples(st.just("directory"), st.dictionaries(names, inner, max_size=6)),
    max_leaves=12,
)


def make(tree: Any, path: bytes) -> None:
    """Put a drawn tree on disk."""
    if tree[0] == "file":
        with open(path, "wb") as file:  # noqa: PTH123
            file.write(tree[1])
        os.chmod(path, tree[2])  # noqa: PTH101
    elif tree[0] == "link":
        os.symlink(tree[1], path)  # noqa: PTH211
    else:
        os.mkdir(path)  # noqa: PTH102
        for name, inner in tree[1].items():
            make(inner, path + b"/" + name)


def dump(path: Path) -> bytes:
    """Nix's NAR of a tree."""
    return subprocess.run(["nix-store", "--dump", path], check=True, capture_output=True).stdout


def nar(path: Path) -> bytes:
    """Our NAR of a tree."""
    pieces = batches(os.fsencode(path))
    return b"".join(read_file(piece) if isinstance(piece, FileContent) else piece for piece in pieces)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees)
def test_random_trees(nix: Any, tree: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tree")
        make(tree, os.fsencode(path))
        expected = dump(path)
        assert nar(path) == expected
        assert sum(map(piece_size, walk(os.fsencode(path)))) == len(expected)


def every_oddity(path: Path) -> None:
    """A tree with one of everything a NAR can hold."""
    make(
        (
            "directory",
            {
                **{
                    name: ("file", name, 0o444)
                    for name in (b"a", b"a-", b"a.b", b"a b", b"B", b"\xff\xfe", b"\xc3\xa4")
                },
                **{b"size%d" % size: ("file", b"x" * size, 0o444) for size in (0, 1, 7, 8, 9)},
                b"empty": ("directory", {}),
                b"deep": ("directory", {b"er": ("directory", {b"f": ("file", b"", 0o555)})}),
                b"dangling": ("link", b"/nowhere/\xff"),
                b"small": ("file", b"s" * SMALL_FILE, 0o444),
                b"large": ("file", b"l" * (SMALL_FILE + 1), 0o755),
            },
        ),
        os.fsencode(path),
    )
    (path / "hard").hardlink_to(path / "a")
    with (path / "sparse").open("wb") as file:
        file.truncate(3 * 1024 * 1024 + 5)


def test_every_oddity(nix: Any, tmp_path: Path) -> None:
    every_oddity(tmp_path / "tree")
    assert nar(tmp_path / "tree") == dump(tmp_path / "tree")


@pytest.mark.parametrize(
    "tree", [("file", b"hi", 0o444), ("file", b"", 0o555), ("link", b"nowhere"), ("directory", {})], ids=str
)
def test_roots_of_every_kind(tree: Any, nix: Any, tmp_path: Path) -> None:
    make(tree, os.fsencode(tmp_path / "root"))
    assert nar(tmp_path / "root") == dump(tmp_path / "root")


def test_more_than_4_gib(nix: Any, tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(5 * GIB + 3)
    pieces = list(walk(os.fsencode(path)))
    head = b"".join(piece for piece in pieces[:2] if isinstance(piece, bytes))
    with subprocess.Popen(["nix-store", "--dump", path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(len(head)) == head
        process.kill()
    assert FileContent(os.fsencode(path), 5 * GIB + 3) in pieces
    assert sum(map(piece_size, pieces)) % 8 == 0


def test_deeper_than_python_recurses(tmp_path: Path) -> None:
    path = tmp_path
    depth = sys.getrecursionlimit() + 10
    for _ in range(depth):
        path /= "d"
        os.mkdir(path)  # noqa: PTH102
    assert nar(tmp_path / "d").count(b"directory") == depth
    subprocess.run(["rm", "-r", tmp_path / "d"], check=True)


def fifo(path: Path) -> None:
    os.mkfifo(path)


def unix_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


@pytest.mark.parametrize("special", [fifo, unix_socket])
@pytest.mark.parametrize("nested", [False, True])
def test_sockets_and_fifos_are_refused(special: Callable[[Path], None], nested: bool, tmp_path: Path) -> None:
    root = tmp_path / "r"
    if nested:
        root.mkdir()
    special(root / "x" if nested else root)
    with pytest.raises(NarError, match="is neither a file, a directory nor a symbolic link"):
        list(walk(os.fsencode(root)))


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(walk(os.fsencode(tmp_path / "absent")))


@pytest.mark.parametrize("size", [0, 1, 3])
def test_a_file_of_another_size(size: int, tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"xx")
    with pytest.raises(NarError, match="changed while it was read"):
        read_file(FileContent(os.fsencode(path), size))


def test_a_file_that_became_something_else(tmp_path: Path) -> None:
    content = FileContent(os.fsencode(tmp_path / "f"), 2)
    os.mkfifo(tmp_path / "f")
    with pytest.raises(NarError, match="changed while it was read"):
        open_file(content)
    (tmp_path / "f").unlink()
    (tmp_path / "f").symlink_to("/etc/hostname")
    with pytest.raises(OSError, match="symbolic links"):
        open_file(content)


def test_descriptors_are_closed(tmp_path: Path) -> None:
    every_oddity(tmp_path / "tree")
    before = os.listdir("/proc/self/fd")  # noqa: PTH208
    nar(tmp_path / "tree")
    with pytest.raises(NarError):
        open_file(FileContent(os.fsencode(tmp_path / "tree/a"), 5))
    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208


def test_batches_are_bounded_and_few(tmp_path: Path) -> None:
    for number in range(2000):
        (tmp_path / f"{number}").write_bytes(b"x" * 2000)
    sizes = [piece_size(piece) for piece in batches(os.fsencode(tmp_path))]
    assert max(sizes) <= BATCH_SIZE + SMALL_FILE + 4096
    assert min(sizes[:-1]) >= BATCH_SIZE
