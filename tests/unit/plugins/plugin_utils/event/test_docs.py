"""docs/event-file.md describes exactly the keys that the schema has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.nixvegas.noc.plugins.plugin_utils.event.document import Kind, Named, Record
from ansible_collections.nixvegas.noc.plugins.plugin_utils.event.schema import EVENT

DOCS = (Path(__file__).resolve().parents[5] / "docs/event-file.md").read_text(encoding="utf-8")


def keys(kind: Kind) -> Iterator[str]:
    """All keys of the schema, at every depth."""
    if isinstance(kind, Named):
        yield from keys(kind.item)
    if isinstance(kind, Record):
        for name, item in kind.keys.items():
            yield name
            yield from keys(item)


def test_every_key_is_described() -> None:
    assert [key for key in keys(EVENT) if f"`{key}`" not in DOCS] == []


def test_every_described_key_exists() -> None:
    reference = DOCS.partition("## What is derived")[0]
    described = re.findall(r"^\| `(\w+)` \|", reference, flags=re.MULTILINE)
    assert sorted(set(described) - set(keys(EVENT))) == []
