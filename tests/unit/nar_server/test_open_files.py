"""Small files that stay open between requests: how many, how long, and what is read from them."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import Callable, Coroutine
from itertools import repeat
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from nar_server import open_files
from nar_server.folders import open_folder
from nar_server.layout import BUFFER_SIZE, INLINE_FILE, Layout, Run, identity
from nar_server.nar import NarError
from nar_server.open_files import OpenFiles, allowed
from nar_server.survey import survey

COUNT = 5


class Tree:
    """A path of files that are too large to be held in its layout, and its NAR."""

    def __init__(self, root: Path) -> None:
        root.mkdir()
        for number in range(COUNT):
            (root / f"{number}").write_bytes(b"%d" % number * (INLINE_FILE + 1))
        self.root = os.fsencode(root)
        self.buffer = memoryview(bytearray(BUFFER_SIZE))
        (part,) = survey(self.root, repeat(self.buffer))
        self.run: Run = part.run
        self.nar = bytes(self.buffer[: self.run.size])
        self.layout = Layout(identity(self.root), [self.run])

    def read(self, files: OpenFiles) -> bytes:
        """The NAR, read again."""
        self.buffer[:] = bytes(BUFFER_SIZE)
        folder = open_folder(self.root)
        try:
            files.read(self.layout, self.run, folder, self.buffer)
        finally:
            os.close(folder)
        return bytes(self.buffer[: self.run.size])


def on_a_loop(test: Callable[[Tree], Coroutine[Any, Any, None]]) -> Callable[[Path], None]:
    """A test that needs a loop, and leaves no file open."""

    def run(tmp_path: Path) -> None:
        tree = Tree(tmp_path / "tree")
        before = open_now()
        asyncio.run(test(tree))
        assert open_now() == before

    run.__name__ = test.__name__
    return run


def open_now() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


@on_a_loop
async def test_files_stay_open(tree: Tree) -> None:
    files, before = OpenFiles(COUNT), open_now()
    assert tree.read(files) == tree.nar
    assert open_now() == before + COUNT
    for number in range(COUNT):
        os.unlink(os.path.join(tree.root, b"%d" % number))  # noqa: PTH108, PTH118
    assert tree.read(files) == tree.nar
    files.close()
    assert open_now() == before
    with pytest.raises(FileNotFoundError):
        tree.read(files)


@on_a_loop
async def test_no_more_than_allowed_stay_open(tree: Tree) -> None:
    files, before = OpenFiles(COUNT - 1), open_now()
    for _ in range(2):
        assert tree.read(files) == tree.nar
        assert open_now() == before


@on_a_loop
async def test_idle_files_are_closed(tree: Tree) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(open_files, "_IDLE_SECONDS", 0.02)
        files, before = OpenFiles(COUNT), open_now()
        for _ in range(2):
            assert tree.read(files) == tree.nar
            assert open_now() == before + COUNT
            async with asyncio.timeout(10):
                while open_now() > before:
                    await asyncio.sleep(0.01)


@on_a_loop
async def test_a_layout_that_is_let_go_of_takes_its_files_with_it(tree: Tree) -> None:
    files, before = OpenFiles(COUNT), open_now()
    for _ in range(2):
        tree.read(files)
        assert open_now() == before + COUNT
        tree.layout = Layout(tree.layout.identity, [tree.run])
        assert open_now() == before


@on_a_loop
async def test_a_file_that_changed_while_it_was_open(tree: Tree) -> None:
    files = OpenFiles(COUNT)
    tree.read(files)
    Path(os.fsdecode(tree.root), "3").write_bytes(b"x")
    with pytest.raises(NarError, match="3 changed since it was looked at"):
        tree.read(files)
    files.close()


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "tree")
    (tmp_path / "tree/4").unlink()
    before, folder = open_now(), open_folder(tree.root)
    with pytest.raises(FileNotFoundError):
        tree.run.open_all(folder)
    os.close(folder)
    assert open_now() == before


def test_a_path_that_took_the_place_of_another(store: Any, serve: Any, tmp_path: Path) -> None:
    path = store.add("x", Tree)
    with serve(store) as server:
        for _ in range(3):
            assert server.ask(path.url).body == path.nar
        path.real.rename(tmp_path / "old")
        Tree(path.real)
        (path.real / "0").write_bytes(b"z" * (INLINE_FILE + 1))
        for _ in range(3):
            assert server.ask(path.url).body == path.nar.replace(b"0" * (INLINE_FILE + 1), b"z" * (INLINE_FILE + 1))


@pytest.mark.parametrize(
    ("soft", "hard", "raised", "kept"), [(100, 10_000, 10_000, 7500), (1024, 1024, 1024, 512), (64, 64, 64, 0)]
)
def test_others_need_descriptors_too(soft: int, hard: int, raised: int, kept: int) -> None:
    limits = [soft, hard]
    with (
        mock.patch.object(resource, "getrlimit", lambda _what: tuple(limits)),
        mock.patch.object(resource, "setrlimit", lambda _what, wanted: limits.__setitem__(slice(None), wanted)),
    ):
        assert allowed(100_000) == kept
        assert limits == [raised, hard]
        assert allowed(10) == min(10, kept)
