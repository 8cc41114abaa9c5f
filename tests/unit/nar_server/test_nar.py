"""NARs, byte for byte as Nix writes them."""

from __future__ import annotations

import math
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from itertools import count, repeat
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nar_server import nar
from nar_server import survey as survey_module
from nar_server.folders import open_folder
from nar_server.layout import BUFFER_SIZE, INLINE_FILE, RUN_SIZE, SMALL_FILE, LargeFile
from nar_server.nar import NarError
from nar_server.survey import Pace, Part, survey

from .conftest import nar_of

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


def surveyed(path: Path) -> list[Part]:
    """The parts of a path, without their bytes."""
    return list(survey(os.fsencode(path), repeat(memoryview(bytearray(BUFFER_SIZE)))))


def dump(path: Path) -> bytes:
    """Nix's NAR of a tree."""
    return subprocess.run(["nix-store", "--dump", path], check=True, capture_output=True).stdout


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees)
def test_random_trees(nix: Any, tree: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tree")
        make(tree, os.fsencode(path))
        expected = dump(path)
        assert nar_of(path) == expected
        assert sum(part.size for part in surveyed(path)) == len(expected)


def read_again(path: Path) -> bytes:
    """The NAR of a path whose files are small, each of them read again as its layout says."""
    buffer = memoryview(bytearray(BUFFER_SIZE))
    folder = open_folder(os.fsencode(path))
    nar_again = bytearray()
    try:
        with mock.patch.object(survey_module, "_MOST_HELD", 0):
            runs = [part.run for part in surveyed(path)]
        for run in runs:
            with closing(run.open_each(folder)) as opened:
                run.read(opened, buffer, wait=True)
            nar_again += buffer[: run.size]
    finally:
        os.close(folder)
    return bytes(nar_again)


@settings(max_examples=40, deadline=None)
@given(tree=trees)
def test_random_trees_read_again(tree: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tree")
        make(tree, os.fsencode(path))
        assert read_again(path) == nar_of(path)


def test_runs_that_begin_and_end_in_any_directory(tmp_path: Path) -> None:
    file = ("file", b"f" * (RUN_SIZE // 7), 0o444)
    inner = ("directory", {b"%d" % number: file for number in range(3)})
    make(
        ("directory", {b"a": inner, b"b": file, b"c": ("directory", {b"d": inner, b"e": file})}), bytes(tmp_path / "t")
    )
    assert len(surveyed(tmp_path / "t")) > 1
    assert read_again(tmp_path / "t") == nar_of(tmp_path / "t")


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
    assert nar_of(tmp_path / "tree") == dump(tmp_path / "tree")


@pytest.mark.parametrize(
    "tree", [("file", b"hi", 0o444), ("file", b"", 0o555), ("link", b"nowhere"), ("directory", {})], ids=str
)
def test_roots_of_every_kind(tree: Any, nix: Any, tmp_path: Path) -> None:
    make(tree, os.fsencode(tmp_path / "root"))
    assert nar_of(tmp_path / "root") == dump(tmp_path / "root")


def test_more_than_4_gib(nix: Any, tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(5 * GIB + 3)
    first, last = surveyed(path)
    head = first.run.texts
    with subprocess.Popen(["nix-store", "--dump", path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(len(head)) == head
        process.kill()
    assert first.large == LargeFile(5 * GIB + 3, b"huge")
    assert last.large is None
    assert (first.size + last.size) % 8 == 0


def test_deeper_than_python_recurses(tmp_path: Path) -> None:
    path = tmp_path
    depth = sys.getrecursionlimit() + 10
    for _ in range(depth):
        path /= "d"
        os.mkdir(path)  # noqa: PTH102
    assert nar_of(tmp_path / "d").count(b"directory") == depth
    subprocess.run(["rm", "-r", tmp_path / "d"], check=True)


def test_a_full_run_and_a_long_text(tmp_path: Path) -> None:
    deep = tmp_path / ("d/" * 1900)
    subprocess.run(["mkdir", "-p", deep], check=True)
    # A run begins after the large file, and is almost full when the links and the ends of all folders follow.
    (deep / "a").write_bytes(b"a" * (SMALL_FILE + 1))
    for name in "bcde":
        (deep / name).write_bytes(b"x" * (RUN_SIZE // 4 - 2000))
    for number in range(110):
        (deep / f"link{number}").symlink_to("target")
    (tmp_path / "e").write_bytes(b"e" * SMALL_FILE)
    found = nar_of(tmp_path)
    assert (found.count(b"directory"), found.count(b"symlink"), found.count(b"regular")) == (1901, 110, 6)
    assert found.endswith(b"e" * SMALL_FILE + 3 * nar.CLOSE)
    subprocess.run(["rm", "-r", tmp_path / "d"], check=True)


@pytest.mark.parametrize("length", [1, 255, 256, 1023])
def test_names_of_every_length(length: int) -> None:
    name = b"n" * length
    tokens = b"".join(map(nar.string, [b"entry", b"(", b"name", name, b"node"]))
    assert nar.BEFORE_NAME[length] + name + nar.AFTER_NAME[length] == tokens


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
    with pytest.raises(NarError, match=r"/[rx] is neither a file, a directory nor a symbolic link"):
        surveyed(root)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        surveyed(tmp_path / "absent")


def changing(path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Have ``change`` happen right before the file's bytes are read, after it was looked at."""
    true_read = os.readv

    def read(descriptor: int, buffers: Any) -> int:
        monkeypatch.undo()
        change()
        return true_read(descriptor, buffers)

    monkeypatch.setattr(os, "readv", read)


@pytest.mark.parametrize("content", [b"", b"x", b"xxx"])
def test_a_file_that_changes_while_it_is_read(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"xx")
    changing(path, monkeypatch, lambda: path.write_bytes(content))
    with pytest.raises(NarError, match="changed since it was looked at"):
        nar_of(tmp_path)


@pytest.mark.parametrize("change", [-2 * INLINE_FILE, -INLINE_FILE, -1, 1])
@pytest.mark.parametrize("wait", [False, True])
def test_a_file_that_changed_since_its_layout(change: int, wait: bool, tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x" * 2 * INLINE_FILE)
    (part,) = surveyed(tmp_path)
    path.write_bytes(b"x" * (2 * INLINE_FILE + change))
    folder = open_folder(os.fsencode(tmp_path))
    try:
        with (
            closing(part.run.open_each(folder)) as opened,
            pytest.raises(NarError, match="/f changed since it was looked at"),
        ):
            part.run.read(opened, memoryview(bytearray(BUFFER_SIZE)), wait=wait)
    finally:
        os.close(folder)


def test_a_file_that_became_something_else(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    file = LargeFile(2, b"f")
    folder = open_folder(os.fsencode(tmp_path / "r"))
    try:
        os.mkfifo(tmp_path / "r/f")
        with pytest.raises(NarError, match="changed since it was looked at"):
            file.open(folder)
        (tmp_path / "r/f").unlink()
        (tmp_path / "r/f").symlink_to("/etc/hostname")
        with pytest.raises(OSError, match="symbolic links"):
            file.open(folder)
    finally:
        os.close(folder)


def test_not_all_of_very_many_tiny_files_are_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2000):
        (tmp_path / f"{number}").write_bytes(b"x" * INLINE_FILE)
    files = [len(part.run.sizes) for part in surveyed(tmp_path)]
    assert sum(files) == 0
    monkeypatch.setattr(survey_module, "_MOST_HELD", RUN_SIZE)
    others = [len(part.run.sizes) for part in surveyed(tmp_path)]
    assert len(others) == len(files)
    assert others[0] == 0
    assert all(others[1:])


def test_a_hurried_survey_ends_its_parts(tmp_path: Path) -> None:
    for folder in "abc":
        (tmp_path / folder).mkdir()
        for name in "xyz":
            (tmp_path / folder / name).write_bytes(b"f" * (INLINE_FILE + 1))
            (tmp_path / folder / f"{name}-link").symlink_to("target")
    pace = Pace()
    pace.until = -math.inf
    buffers = (memoryview(bytearray(BUFFER_SIZE)) for _ in count())
    parts = list(survey(os.fsencode(tmp_path), buffers, pace))
    assert [len(part.run.sizes) for part in parts] == [*[1] * 9, 0], "one file is read before others have their turn"
    assert b"".join(bytes(part.buffer[: part.run.size]) for part in parts) == nar_of(tmp_path)


def test_a_deep_tree_needs_few_descriptors(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(100):
        deep /= "d"
        deep.mkdir()
        (deep / "a").write_bytes(b"a" * (INLINE_FILE + 1))
        (deep / "e").write_bytes(b"e" * (INLINE_FILE + 1))
    pace = Pace()
    pace.until = -math.inf
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    buffer = memoryview(bytearray(BUFFER_SIZE))
    during = [len(os.listdir("/proc/self/fd")) for _ in survey(os.fsencode(tmp_path), repeat(buffer), pace)]  # noqa: PTH208
    assert len(during) > 200
    assert max(during) <= before + 2


def test_descriptors_are_closed(tmp_path: Path) -> None:
    every_oddity(tmp_path / "tree")
    before = os.listdir("/proc/self/fd")  # noqa: PTH208
    nar_of(tmp_path / "tree")
    pieces = survey(os.fsencode(tmp_path / "tree"), repeat(memoryview(bytearray(BUFFER_SIZE))))
    next(pieces)
    del pieces
    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208


def test_runs_are_bounded_and_few(tmp_path: Path) -> None:
    for number in range(2000):
        (tmp_path / f"{number}").write_bytes(b"x" * (INLINE_FILE + 1))
    sizes = [part.run.size for part in surveyed(tmp_path)]
    assert max(sizes) < BUFFER_SIZE
    assert min(sizes[:-1]) >= RUN_SIZE
