"""Reading Nix's database while others write it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from nar_server.database import Database, DatabaseUnavailableError
from nar_server.path_info import MalformedRowError

A, B, C = ("a" * 32, "b" * 32, "c" * 32)


@pytest.fixture
def database(store: Any) -> Any:
    with contextlib.closing(Database(store.database, "/nix/store")) as opened:
        yield opened


def test_row_and_references(store: Any, database: Database) -> None:
    first = store.add("first", hash_part=A)
    second = store.add("second", hash_part=B, deriver=f"/nix/store/{C}-second.drv", ultimate=1, sigs="k:x y")
    store.execute(
        "insert into Refs select b.id, a.id from ValidPaths a, ValidPaths b where b.path like ?", ("%second",)
    )
    info = database.lookup(B)
    assert info is not None
    assert [str(reference) for reference in info.references] == [first.base_name, second.base_name]
    assert (info.nar_size, info.nar_hash_base32) == (len(second.nar), second.nar_hash)
    assert (info.ultimate, info.signatures, str(info.deriver)) == (True, ("k:x", "y"), f"{C}-second.drv")


def test_a_neighbour_is_never_returned(store: Any, database: Database) -> None:
    store.add("before", hash_part=A)
    store.add("after", hash_part=C)
    assert database.lookup(B) is None
    assert database.lookup(A[:-1]) is None
    assert database.lookup("") is None


def test_paths_come_and_go(store: Any, database: Database) -> None:
    assert database.lookup(A) is None
    store.add("x", hash_part=A)
    assert database.lookup(A) is not None
    store.execute("delete from ValidPaths")
    assert database.lookup(A) is None


def test_text_that_is_not_utf_8(store: Any, database: Database) -> None:
    store.add("x", hash_part=A)
    store.execute("update ValidPaths set sigs = cast(x'ff3a41' as text)")
    info = database.lookup(A)
    assert info is not None
    assert os.fsencode(info.signatures[0]) == b"\xff:A"


def test_malformed_row(store: Any, database: Database) -> None:
    store.add("x", hash_part=A, narSize=0)
    with pytest.raises(MalformedRowError, match="its NAR size is 0"):
        database.lookup(A)


def test_a_writer_is_not_in_the_way(store: Any, database: Database) -> None:
    store.add("x", hash_part=A)
    with contextlib.closing(sqlite3.connect(store.database, isolation_level=None)) as writer:
        writer.execute("begin immediate")
        writer.execute("delete from ValidPaths")
        assert database.lookup(A) is not None
        writer.execute("commit")
        assert database.lookup(A) is None


def test_locked_and_unlocked(store: Any, database: Database) -> None:
    with contextlib.closing(sqlite3.connect(store.database, isolation_level=None)) as writer:
        writer.execute("pragma locking_mode = exclusive")
        writer.execute("begin exclusive")
        with pytest.raises(DatabaseUnavailableError) as error:
            database.probe()
        assert error.value.busy
        assert "touch" not in str(error.value)
        writer.execute("commit")
    database.probe()


def test_absent_then_there(tmp_path: Path, store: Any) -> None:
    database = Database(tmp_path / "late.sqlite", "/nix/store")
    with pytest.raises(
        DatabaseUnavailableError, match=r"No such file or directory\. Is the store's folder right\?"
    ) as error:
        database.probe()
    assert not error.value.busy
    store.database.rename(tmp_path / "late.sqlite")
    database.probe()
    database.close()


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (sqlite3.SQLITE_CANTOPEN, True),
        (sqlite3.SQLITE_READONLY_CANTINIT, True),
        (sqlite3.SQLITE_BUSY_RECOVERY, False),
        (sqlite3.SQLITE_CORRUPT, False),
    ],
)
def test_advice_where_it_helps(code: int, advice: bool, database: Database) -> None:
    problem = sqlite3.OperationalError("no")
    problem.sqlite_errorcode = code
    with mock.patch.object(Database, "_open", side_effect=problem), pytest.raises(DatabaseUnavailableError) as error:
        database.probe()
    assert ("root can touch them" in str(error.value)) == advice


def test_replaced_by_another(tmp_path: Path, store: Any, database: Database) -> None:
    store.add("x", hash_part=A)
    assert database.lookup(A) is not None
    other = type(store)(tmp_path / "other")
    other.add("y", hash_part=B)
    other.database.replace(store.database)
    for suffix in ("-wal", "-shm"):
        store.database.with_name(store.database.name + suffix).unlink(missing_ok=True)
    assert database.lookup(A) is None
    assert database.lookup(B) is not None


def test_not_a_database(store: Any, database: Database) -> None:
    store.database.write_bytes(b"something else entirely" * 100)
    with pytest.raises(DatabaseUnavailableError, match="file is not a database"):
        database.probe()


def test_it_keeps_the_files_that_readers_need(store: Any, database: Database) -> None:
    wal = store.database.with_name("db.sqlite-wal")
    database.probe()
    store.add("x", hash_part=A)
    assert wal.exists(), "the writer's close removed the log although a reader is there"


def test_nothing_is_ever_written(store: Any, database: Database) -> None:
    database.probe()
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        database._open().execute("delete from ValidPaths")
