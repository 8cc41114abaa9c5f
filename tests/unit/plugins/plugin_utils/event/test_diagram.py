"""The picture of an event: current, well-formed, and no text upon another."""

from __future__ import annotations

import itertools
from pathlib import Path
from xml.etree import ElementTree

import pytest
from ansible_collections.nixvegas.noc.plugins.plugin_utils.event import parse_event
from ansible_collections.nixvegas.noc.plugins.plugin_utils.event.diagram import draw, main

CHECKOUT = Path(__file__).resolve().parents[5]
GOLDEN = CHECKOUT / "tests/golden/event"
EVENTS = [CHECKOUT / "inventories/dc33/event.yml", GOLDEN / "valid.yml", GOLDEN / "alternative.yml"]
SVG = "{http://www.w3.org/2000/svg}"
LETTER = {"title": 14.0, "name": 9.6, "host": 9.6, "network": 9.0, "small": 5.9, "fact": 5.9, None: 6.7}


def picture(file: Path) -> str:
    """The picture of an event file."""
    return draw(parse_event(file.read_text(encoding="utf-8"), "event.yml"))


def frames(svg: str) -> list[tuple[float, float, float, float, str]]:
    """Left, top, right and bottom of every text, by the width of an average letter, with the text."""
    found = []
    for text in ElementTree.fromstring(svg).iter(f"{SVG}text"):
        written = text.text or ""
        width, x, y = len(written) * LETTER[text.get("class")], float(text.get("x", 0)), float(text.get("y", 0))
        left = {"start": x, "middle": x - width / 2, "end": x - width}[text.get("text-anchor", "start")]
        found.append((left, y - 11, left + width, y + 3, written))
    return found


def test_picture_in_the_docs_is_current() -> None:
    shown = (CHECKOUT / "docs/dc33.svg").read_text(encoding="utf-8")
    assert shown == picture(EVENTS[0]), "docs/dc33.svg is of an older event file; draw it anew: make diagram"


@pytest.mark.parametrize("event", EVENTS, ids=["dc33", "valid", "alternative"])
def test_no_text_upon_another(event: Path) -> None:
    for one, other in itertools.combinations(frames(picture(event)), 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, f"{one[4]!r} and {other[4]!r} overlap"


@pytest.mark.parametrize("event", EVENTS, ids=["dc33", "valid", "alternative"])
def test_everything_is_in_the_picture(event: Path) -> None:
    svg = picture(event)
    width = float(ElementTree.fromstring(svg).get("width", 0))
    assert all(left >= 0 and right <= width for left, _, right, _, _ in frames(svg))
    parsed = parse_event(event.read_text(encoding="utf-8"), "event.yml")
    texts = {text for *_, text in frames(svg)}
    assert {*parsed.hosts, *parsed.networks, parsed.title} <= texts


@pytest.mark.parametrize(("content", "said"), [(None, "no event.yml is there"), ("plugin: x\n", "mistakes in")])
def test_no_picture_of_a_wrong_event(
    content: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if content:
        (tmp_path / "event.yml").write_text(content, encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["diagram", str(tmp_path)])
    with pytest.raises(SystemExit, match=said):
        main()
