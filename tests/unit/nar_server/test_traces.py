"""Build traces and realisations, never signed here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from nar_server.database import Database
from nar_server.store_path import StorePath
from nar_server.traces import build_trace, realisation

STORE = "/nix/store"
DERIVATION = StorePath("0" * 32, "x.drv")
SIGNATURE = f"a-1:{'A' * 86}=="
HASH = f"sha256:{'ab' * 32}"
# From Nix's src/libstore/ca-specific-schema.sql, 2.36 and 2.28.
TRACES = """create table BuildTraceV3 (id integer primary key, drvPath text not null, outputName text not null,
    outputPath text not null, signatures text)"""
REALISATIONS = """create table Realisations (id integer primary key, drvPath text not null, outputName text not null,
    outputPath integer not null, signatures text)"""
REFERENCES = "create table RealisationsRefs (referrer integer not null, realisationReference integer)"


@pytest.fixture
def database(store: Any) -> Iterator[Database]:
    opened = Database(store.database, STORE)
    yield opened
    opened.close()


def test_no_such_table(database: Database) -> None:
    assert build_trace(database, STORE, DERIVATION, "out") is None
    assert realisation(database, STORE, HASH, "out") is None


def test_build_trace(store: Any, database: Database) -> None:
    path = store.add("x")
    store.execute(TRACES)
    row = (str(DERIVATION), "out", f"{STORE}/{path.base_name}", f"{SIGNATURE} broken")
    store.execute("insert into BuildTraceV3 (drvPath, outputName, outputPath, signatures) values (?, ?, ?, ?)", row)
    found = build_trace(database, STORE, DERIVATION, "out")
    assert found is not None
    assert str(found[0]) == path.base_name
    signatures = [{"keyName": "a-1", "sig": "A" * 86 + "=="}]
    assert json.loads(found[1]) == {"outPath": path.base_name, "signatures": signatures}
    assert build_trace(database, STORE, DERIVATION, "dev") is None
    assert build_trace(database, STORE, StorePath("1" * 32, "x.drv"), "out") is None


def test_build_trace_of_another_store(store: Any, database: Database) -> None:
    store.execute(TRACES)
    row = (str(DERIVATION), "out", "/etc/passwd")
    store.execute("insert into BuildTraceV3 (drvPath, outputName, outputPath) values (?, ?, ?)", row)
    assert build_trace(database, STORE, DERIVATION, "out") is None


def test_realisation(store: Any, database: Database) -> None:
    path, other = store.add("x"), store.add("y")
    store.execute(REALISATIONS)
    store.execute(REFERENCES)
    statement = "insert into Realisations select {}, ?, ?, id, ? from ValidPaths where path = ?"
    store.execute(statement.format(1), (HASH, "out", SIGNATURE, f"{STORE}/{path.base_name}"))
    store.execute(statement.format(2), (HASH, "dev", None, f"{STORE}/{other.base_name}"))
    store.execute("insert into RealisationsRefs values (1, 2)")
    found = realisation(database, STORE, HASH, "out")
    assert found is not None
    assert json.loads(found[1]) == {
        "dependentRealisations": {f"{HASH}!dev": other.base_name},
        "id": f"{HASH}!out",
        "outPath": path.base_name,
        "signatures": [SIGNATURE],
    }
    unsigned = realisation(database, STORE, HASH, "dev")
    assert unsigned is not None
    assert json.loads(unsigned[1])["signatures"] == []
    assert realisation(database, STORE, HASH, "lib") is None
