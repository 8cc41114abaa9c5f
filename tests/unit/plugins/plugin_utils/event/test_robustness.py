"""However wrong a file is, the compiler says so in words; and whatever it accepts, it compiles."""

from __future__ import annotations

import random
from pathlib import Path, PurePosixPath

import pytest
from ansible_collections.nixvegas.noc.plugins.plugin_utils.event import EventError, compile_text

CHECKOUT = Path(__file__).resolve().parents[5]
GOLDEN = CHECKOUT / "tests/golden/event"
EVENTS = [CHECKOUT / "inventories/dc33/event.yml", GOLDEN / "valid.yml", GOLDEN / "alternative.yml"]
WORDS = [
    "",
    "{}",
    "[]",
    "null",
    "x",
    "-1",
    "10.4.0.3",
    "10.4.0.0/24",
    "router",
    "overlay",
    "internet",
    "noc",
    "true",
    "~",
]


def mutated(text: str, source: random.Random) -> str:
    """The text with a few lines removed, repeated, moved, or with a word replaced."""
    lines = text.splitlines()
    for _ in range(source.randint(1, 4)):
        at = source.randrange(1, len(lines))
        match source.randrange(4):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, lines[source.randrange(len(lines))])
            case 2:
                words = lines[at].split(" ")
                words[source.randrange(len(words))] = source.choice(WORDS)
                lines[at] = " ".join(words)
            case _:
                lines[at] = lines[at].replace(
                    source.choice(["a", "1", "{", "[", ",", "e"]), source.choice(["b", "2", ""])
                )
    return "\n".join(lines)


def fate(text: str) -> str:
    """What becomes of a file; any exception but EventError is a fault of the compiler."""
    try:
        compile_text(text, "event.yml", PurePosixPath("SECRETS"))
    except EventError as error:
        assert str(error)
        return "refused"
    return "compiled"


@pytest.mark.parametrize("event", EVENTS, ids=["dc33", "valid", "alternative"])
def test_mutations(event: Path) -> None:
    text = event.read_text(encoding="utf-8")
    source = random.Random(33)
    fates = {fate(mutated(text, source)) for _ in range(400)}
    assert fates == {"compiled", "refused"}


@pytest.mark.parametrize(
    "text", ["\x00", "a: &a [*a]", "[]", "a", "1: 2", "? [a]\n: b", "%", "hosts: &x {a: *x}", "\t", "hosts: *no"]
)
def test_strange_files(text: str) -> None:
    assert fate(text) == "refused"


EVERY_WORD = sorted({word for event in EVENTS for word in event.read_text(encoding="utf-8").split() if word.isalpha()})


@pytest.mark.parametrize("event", EVENTS, ids=["dc33", "valid", "alternative"])
def test_one_word_removed_or_misspelt(event: Path) -> None:
    """Every word of the file, one after the other: never another exception."""
    text = event.read_text(encoding="utf-8")
    for word in EVERY_WORD:
        fate(text.replace(word, f"{word}x", 1))
        fate(text.replace(word, "", 1))
