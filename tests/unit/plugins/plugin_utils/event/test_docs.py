"""docs/event-file.md describes exactly the keys that the schema has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from ansible_collections.nixvegas.noc.plugins.plugin_utils.event import EventError, compile_text, parse_event
from ansible_collections.nixvegas.noc.plugins.plugin_utils.event.document import Kind, Named, Record
from ansible_collections.nixvegas.noc.plugins.plugin_utils.event.schema import EVENT

CHECKOUT = Path(__file__).resolve().parents[5]
DOCS = (CHECKOUT / "docs/event-file.md").read_text(encoding="utf-8")
DC33 = (CHECKOUT / "inventories/dc33/event.yml").read_text(encoding="utf-8")


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


def test_the_small_example_compiles() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", DOCS, flags=re.DOTALL)
    assert compile_text(example, "event.yml", PurePosixPath("SECRETS")).groups["egress"] == ["vps"]


def test_the_mistakes_shown_are_what_is_said() -> None:
    """The list in the chapter about mistakes is that of dc33 with three words changed."""
    (shown,) = re.findall(r"```\n(inventories/mine/event\.yml:.*?)\n```", DOCS, flags=re.DOTALL)
    wrong = DC33.replace("arena: {cidr: 10.33.0.0/24, vlan", "arena: {cidr: 10.33.0.0/24, vln").replace(
        "class: router", "class: ruter"
    )
    with pytest.raises(EventError) as caught:
        parse_event(wrong.replace("address: 10.4.0.2,", "address: 10.4.9.2,"), "inventories/mine/event.yml")
    assert caught.value.report == shown
