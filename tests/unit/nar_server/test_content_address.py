"""Content addresses, against those Nix gives."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from nar_server.content_address import is_content_addressed
from nar_server.database import Database
from nar_server.path_info import PathInfo
from nar_server.store_path import StorePath

STORE = "/nix/store"


def paths_of_nix(nix: Any, folder: Path) -> dict[str, PathInfo]:
    """One path of every kind of content address, made by Nix; by the beginning of the content address."""
    source = folder / "source"
    source.mkdir()
    (source / "file").write_text("hi\n")
    nix("nix-store", "--add", str(source))
    for algorithm in ("md5", "sha1", "sha256", "sha512"):
        nix("nix-store", "--add-fixed", algorithm, str(source / "file"))
        nix("nix-store", "--add-fixed", "--recursive", algorithm, str(source))
    expression = 'let a = builtins.toFile "a" "hello"; in builtins.toFile "b" "see ${a}"'
    nix("nix-instantiate", "--eval", "--read-write-mode", "--expr", expression)
    database = folder / "nix-home/nix/var/nix/db/db.sqlite"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        names = [path for (path,) in connection.execute("select path from ValidPaths where ca is not null")]
    reader = Database(database, STORE)
    found = [reader.lookup(StorePath.parse_full(name, STORE).hash_part) for name in names]
    reader.close()
    return {str(info.content_address).rpartition(":")[0] + str(len(info.references)): info for info in found if info}


def test_nix_itself(nix: Any, tmp_path: Path) -> None:
    made = paths_of_nix(nix, tmp_path)
    algorithms = ("md5", "sha1", "sha256", "sha512")
    kinds = {f"fixed:{method}{algorithm}0" for method in ("", "r:") for algorithm in algorithms}
    assert set(made) == kinds | {"text:sha2560", "text:sha2561"}
    for kind, info in made.items():
        assert is_content_addressed(info, STORE), kind
        assert not is_content_addressed(info, "/other/store"), kind
        renamed = StorePath(info.path.hash_part, info.path.name + "x")
        assert not is_content_addressed(replace(info, path=renamed), STORE), kind
        referring = replace(info, references=(*info.references, StorePath("0" * 32, "x")))
        assert not is_content_addressed(referring, STORE), kind
    assert not is_content_addressed(replace(made["fixed:r:sha2560"], nar_hash=bytes(32)), STORE)


# `nix store make-content-addressed` (Nix 2.26) of a path that refers to another and to itself.
SELF = StorePath("ahmv6k8pl3h5871v39qx6bnf5dckn5r9", "self")
DEPENDENCY = StorePath("k0bq3s4hdvxal217l04jr24n8jm5l29g", "dep")
WITH_REFERENCES = PathInfo(
    SELF,
    bytes.fromhex("529eae3a844b26fe9f78766f751c587546a0dcb53f369bb1592bc17a8f9a241e"),
    216,
    (SELF, DEPENDENCY),
    content_address="fixed:r:sha256:0haffdqfrms6bswfnqqggcrda3amriyrhsjhjxhzdyq6bqcgqm6y",
)


@pytest.mark.parametrize(
    ("references", "right"),
    [((SELF, DEPENDENCY), True), ((DEPENDENCY,), False), ((SELF,), False), ((), False)],
)
def test_references_and_the_path_itself(references: tuple[StorePath, ...], right: bool) -> None:
    info = replace(WITH_REFERENCES, references=tuple(sorted(references)))
    assert is_content_addressed(info, STORE) is right


@pytest.mark.parametrize(
    "content_address",
    [
        None,
        "",
        "fixed",
        "fixed:",
        "fixed:r:",
        "fixed:r:sha256",
        "fixed:r:sha256:",
        "fixed:r:sha256:zzzz",
        "fixed:r:blake3:" + "0" * 52,
        "fixed:x:sha256:" + "0" * 52,
        "fixed:sha256:" + "z" * 52,
        "fixed:sha256:" + "g" * 64,
        "text:md5:" + "0" * 26,
        "text:r:sha256:" + "0" * 52,
        "other:sha256:" + "0" * 52,
    ],
)
def test_nonsense_is_not_right(content_address: str | None) -> None:
    assert not is_content_addressed(replace(WITH_REFERENCES, references=(), content_address=content_address), STORE)
