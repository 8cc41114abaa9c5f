"""Listings: what is in a path, and where in its NAR."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from nar_server.listing import listing

from .conftest import nar_of


def listed(path: Path) -> Any:
    text = "".join(listing(os.fsencode(path)))
    document = json.loads(text)
    assert document["version"] == 1
    return document["root"]


def odd_tree(path: Path) -> Path:
    (path / "empty").mkdir(parents=True)
    (path / "a").mkdir()
    (path / "a" / "b").write_bytes(b"in a")
    (path / "a-").write_bytes(b"")
    (path / "a.b").write_bytes(b"1234567")
    (path / "run").write_bytes(b"#!/bin/sh")
    (path / "run").chmod(0o744)
    (path / "group").write_bytes(b"x" * 8)
    (path / "group").chmod(0o655)
    (path / "link").symlink_to("a/b")
    (path / "dangling").symlink_to("/no<where>")
    (path / "z").mkdir()
    (path / "z" / "y").mkdir()
    return path


def check(node: Any, path: Path, nar: bytes) -> int:
    """Compare a node with the tree and its place in the NAR; the number of files."""
    if node["type"] == "symlink":
        assert node == {"type": "symlink", "target": str(path.readlink())}
        return 0
    if node["type"] == "directory":
        assert list(node["entries"]) == sorted(entry.name for entry in path.iterdir())
        return sum(check(child, path / name, nar) for name, child in node["entries"].items())
    content = path.read_bytes()
    assert node["size"] == len(content)
    assert nar[node["narOffset"] : node["narOffset"] + node["size"]] == content
    # What stands before a file's content is its length.
    assert nar[node["narOffset"] - 8 : node["narOffset"]] == len(content).to_bytes(8, "little")
    assert node.get("executable", False) == bool(path.stat().st_mode & 0o100)
    return 1


def test_every_file_is_where_the_listing_says(tmp_path: Path) -> None:
    tree = odd_tree(tmp_path / "tree")
    assert check(listed(tree), tree, nar_of(tree)) == 5


def test_a_file_and_a_link_as_the_whole(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    for name in ("file", "link"):
        check(listed(tmp_path / name), tmp_path / name, nar_of(tmp_path / name))


def test_names_are_escaped(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in (b'quote"', b"line\nend", b"<script>", b"\xff"):
        Path(os.fsdecode(os.fsencode(tree) + b"/" + name)).touch()
    assert set(listed(tree)["entries"]) == {'quote"', "line\nend", "<script>", "\ufffd"}


def test_what_no_nar_can_hold(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ValueError, match="neither a file"):
        list(listing(os.fsencode(tmp_path)))
