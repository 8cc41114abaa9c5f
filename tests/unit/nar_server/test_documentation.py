"""The documentation names every option, with the default it has, and tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from nar_server.config import (
    OPTIONS,
    SECTIONS,
    Config,
    HotTierConfig,
    PullThroughConfig,
    UpstreamConfig,
    ViewConfig,
    ZstdConfig,
)

DOCS = Path(__file__).parents[3] / "docs"
TEXT = (DOCS / "nar-server-configuration.md").read_text()
PROPERTIES = [*range(1, 28)]


def section(title: str) -> str:
    """A section of the page, without its title."""
    found = re.search(rf"^## {re.escape(title)}.*?$(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


def rows(text: str) -> dict[str, str]:
    """Options of the tables, and their defaults."""
    found = re.findall(r"^\| (`.*?`) \| (.*?) \|", text, re.MULTILINE)
    return {name: default for names, default in found for name in re.findall(r"`(.*?)`", names)}


def test_top() -> None:
    assert set(rows(section("At the top of the file"))) == set(OPTIONS) - {table.split(".")[0] for table in SECTIONS}


@pytest.mark.parametrize("table", SECTIONS)
def test_tables(table: str) -> None:
    text = section(f"`[{table}]`")
    named = set(rows(text)) or set(re.findall(r"`(\w+)`", text))
    assert named == set(SECTIONS[table])


def test_defaults() -> None:
    top, view, pull, tier, zstd = Config(), ViewConfig(), PullThroughConfig(), HotTierConfig(), ZstdConfig()
    written = {name: default.strip('`"') for name, default in rows(TEXT).items()}
    assert written["title"] == top.title
    assert written["listen"] == f'["{top.listen[0].host}:{top.listen[0].port}"]'
    assert written["store_dir"] == top.stores["main"].directory
    assert rows(section("At the top of the file"))["priority"] == f"`{view.priority}`"
    assert rows(section("At the top of the file"))["policy"] == f'`"{view.policy}"`'
    assert rows(section("At the top of the file"))["paths"] == f'`"{view.paths}"`'
    assert rows(section("`[pull_through]`")) == {
        "folder": f'`"{pull.folder}"`',
        "size": f'`"{pull.size // 2**30} GiB"`',
        "import_to_store": f"`{str(pull.import_to_store).lower()}`",
        "daemon_socket": f'`"{pull.daemon_socket}"`',
    }
    assert rows(section("`[hot_tier]`")) == {"folder": f'`"{tier.folder}"`', "size": f"`{tier.size}`"}
    assert rows(section("`[zstd]`")) == {"level": f"`{zstd.level}`", "memory": f'`"{zstd.memory // 2**20} MiB"`'}
    assert written["stratum"] == str(UpstreamConfig.__dataclass_fields__["stratum"].default)


def test_properties_have_tests() -> None:
    found = re.findall(
        r"^\| ([0-9]+) \| .*? \| (.*) \|$", (DOCS / "nar-server-properties.md").read_text(), re.MULTILINE
    )
    assert [int(number) for number, _tests in found] == PROPERTIES
    for number, tests in found:
        named = re.findall(r"`([\w/]+\.py)::(\w+)`", tests)
        assert named, number
        for file, name in named:
            assert re.search(rf"^def {name}\(", (Path(__file__).parent / file).read_text(), re.MULTILINE), name
