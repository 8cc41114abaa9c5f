# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in answers every recorded exchange that concerns the modules as the real server did."""

from __future__ import annotations

import json
import re
from ast import literal_eval
from typing import Any

import pytest
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.answers import Answer
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.application import answer
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.recording import FILE, Exchange, exchanges
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.replay import LEGACY, Replay, sent

RECORDED = FILE.read_text(encoding="utf-8")
ALL = exchanges()

# What no module asks for.
LEFT_OUT = {
    "the build queue and latest builds": ["E62", "E63", "E64", "E65", "I7", "I8", "I9"],
    "search, machines and the binary cache": ["E66", "E69", "E70"],
    "making and changing users": [f"F{number}" for number in range(72, 82)],
    "redirects to builds and the badge of a job": ["I11", "I12", "I13"],
    "cancelling, bumping and restarting builds": ["I16", "I17", "I18", "I19"],
    "a style sheet": ["J11"],
}
OMITTED = {name for names in LEFT_OUT.values() for name in names}
REPLAYED = [exchange for exchange in ALL if exchange.name not in OMITTED]


def test_how_many_are_replayed() -> None:
    """The file calls them 176: that is its headings. Three of those have no request of their own."""
    assert len(re.findall(r"^### ", RECORDED, re.MULTILINE)) == 176
    assert (len(ALL), len(REPLAYED), len(OMITTED)) == (173, 145, 28)


def times_hidden(data: Any) -> Any:
    """JSON without the moments, which differ at every run; whether there is one stays."""
    if isinstance(data, dict):
        return {
            key: "TIME" if key.endswith("time") and isinstance(value, int) and value > 10**9 else times_hidden(value)
            for key, value in data.items()
        }
    return [times_hidden(item) for item in data] if isinstance(data, list) else data


def assert_same(exchange: Exchange, given: Answer) -> None:
    """Status, type, place, and the data whatever its order."""
    assert given.status == exchange.status
    assert given.kind.partition(";")[0] == exchange.headers["content-type"].partition(";")[0]
    assert given.headers.get("Location") == exchange.headers.get("location")
    cookies = [text.partition("=")[0] for text in (given.headers["Set-Cookie"], exchange.headers["set-cookie"])]
    assert cookies == ["hydra_session", "hydra_session"]
    cut = re.search(r"… \((?:HTML, )?(\d+) chars\)$", exchange.body)
    if given.page is not None:
        assert bool(given.page) == bool(exchange.body)
    elif cut:
        shown = given.body.decode()
        assert len(shown) == int(cut[1])
        assert all(
            pair in shown for pair in re.findall(r'"\w+":(?:"[^"]*"|\d{1,9}|null|true|false)(?=,)', exchange.body)
        )
    else:
        assert times_hidden(given.data) == times_hidden(unordered_types(json.loads(exchange.body), given.data))


def unordered_types(recorded: Any, given: Any) -> Any:
    """The list of input types in an error comes in any order."""
    if isinstance(recorded, dict) and "valid types" in str(recorded.get("error")):
        words = [sorted(re.findall("‘([^’]*)’", data["error"])) for data in (recorded, given)]
        assert words[0] == words[1]
        return given
    return recorded


@pytest.fixture(scope="module")
def replay() -> Replay:
    """One server's life, in the order of the recording."""
    return Replay()


@pytest.mark.parametrize("exchange", REPLAYED, ids=lambda exchange: f"{exchange.name} {exchange.title}")
def test_exchange(exchange: Exchange, replay: Replay) -> None:
    assert_same(exchange, replay.play(exchange))


# Beside the exchanges the recording has lists of probes, a line each. Those of these forms are replayed as they stand;
# the other ten are told in words, and tested below by the words "told".
INVALID = re.findall(r"^\* `(\{.*?\})` → (\d+) `(.*)`$", RECORDED, re.MULTILINE)
ENABLED = re.findall(r"^enabled=(\S+) → GET enabled=(\d)$", RECORDED, re.MULTILINE)
VALUES = re.findall(r"^\* input value (.+) → (\d+), reads back (.*)$", RECORDED, re.MULTILINE)
NAMES = re.findall(r"^\* (project|jobset) name '(.+)': (\d+)$", RECORDED, re.MULTILINE)
PROXIES = re.findall(r"^\* `(\{[^`]*\})` → (\d+) Location=(\S+) `(.*)`$", RECORDED, re.MULTILINE)
TOLD = 10


def test_how_many_probes_are_replayed() -> None:
    lists = re.sub(r"^```\n.*?^```\n", "", RECORDED, flags=re.MULTILINE | re.DOTALL)
    probes = re.findall(r"^(?:\* |enabled=|emailresponsible=)", lists, re.MULTILINE)
    assert len(probes) == 85 == sum(map(len, (INVALID, ENABLED, VALUES, NAMES, PROXIES))) + TOLD


@pytest.mark.parametrize(("fields", "status", "words"), INVALID)
def test_probe_of_values(fields: str, status: str, words: str) -> None:
    replay = Replay.at("C17")
    given = replay.probe(json.loads(fields))
    assert given.status == int(status)
    if given.data.get("error", "").startswith("DBIx"):
        assert words.startswith('{"error":"DBIx')
    elif given.status != 200:
        assert given.data == unordered_types(json.loads(words), given.data)


@pytest.mark.parametrize(("enabled", "read"), ENABLED)
def test_probe_of_enabled(enabled: str, read: str) -> None:
    replay = Replay.at("C17")
    assert replay.probe({"enabled": literal_eval(enabled)}).status == 200
    assert replay.get("/jobset/demo/fl")["enabled"] == int(read)


@pytest.mark.parametrize(("value", "status", "read"), VALUES)
def test_probe_of_input_values(value: str, status: str, read: str) -> None:
    replay = Replay.at("C17")
    given = replay.probe({"inputs": {"x": {"type": "string", "value": literal_eval(value)}}})
    assert given.status == int(status)
    if given.status == 200:  # otherwise the recording shows what the probe before left there
        assert replay.get("/jobset/demo/leg")["inputs"] == literal_eval(read)


@pytest.mark.parametrize(("kind", "name", "status"), NAMES)
def test_probe_of_names(kind: str, name: str, status: str) -> None:
    replay = Replay.at("C17")
    target = f"/project/{name}" if kind == "project" else f"/jobset/demo/{name}"
    body = {"displayname": "x"} if kind == "project" else LEGACY
    given = replay.ask("PUT", target, body)
    assert given.status == int(status)


@pytest.mark.parametrize(("headers", "status", "location", "words"), PROXIES)
def test_probe_of_proxies(headers: str, status: str, location: str, words: str) -> None:
    login = {"username": "alice", "password": "foobar"}
    mine = {name.lower(): value for name, value in json.loads(headers.replace("U/", f"{URL}/")).items()}
    mine = {name: URL if value == "U" else value for name, value in mine.items()}
    given = answer(Replay.at("C17").database, sent("POST", "/login", login, mine))
    assert (given.status, str(given.headers.get("Location"))) == (int(status), location)
    if given.status != 302:
        assert given.data == json.loads(words)


URL = "http://127.0.0.1:63333"


def test_told_of_needless_requests() -> None:
    """They cancel a push, or cause an evaluation; a second one keeps the trigger, and disabling takes it away."""
    replay = Replay.at("C17")
    replay.ask("POST", "/api/push?jobsets=demo:fl", None)
    assert replay.get("/jobset/demo/fl")["triggertime"] is not None
    replay.probe({})
    assert replay.get("/jobset/demo/fl")["triggertime"] is None
    replay.probe({"checkinterval": 600})
    replay.database.projects["demo"].jobsets["fl"].columns["triggertime"] = 1795369105
    replay.probe({"checkinterval": 600})
    assert replay.get("/jobset/demo/fl")["triggertime"] == 1795369105
    replay.probe({"checkinterval": 600, "enabled": 0})
    assert replay.get("/jobset/demo/fl")["triggertime"] is None


def test_told_of_false_that_means_true() -> None:
    """Of jobsets, and of inputs; null means false."""
    replay = Replay.at("C17")
    replay.probe({"enableemail": False, "visible": False, "enable_dynamic_run_command": None})
    assert [replay.get("/jobset/demo/fl")[key] for key in ("enableemail", "visible")] == [True, True]
    replay.probe({"enableemail": None, "visible": None})
    assert [replay.get("/jobset/demo/fl")[key] for key in ("enableemail", "visible")] == [False, False]
    replay.probe({"inputs": {"x": {"type": "string", "value": "a", "emailresponsible": False}}})
    recorded = re.search(r"^emailresponsible=false reads back as: `(.*)`$", RECORDED, re.MULTILINE)
    assert recorded is not None
    assert replay.get("/jobset/demo/leg")["inputs"] == json.loads(recorded[1])


def test_told_of_texts_and_numbers() -> None:
    """Blanks inside of a text stay; a text that is a number is one."""
    replay = Replay.at("C17")
    replay.probe({"emailoverride": "  a  b ", "description": "  a  b "})
    assert [replay.get("/jobset/demo/fl")[key] for key in ("emailoverride", "description")] == ["a  b", "a  b"]
    strings = {"type": "1", "flake": "github:a/b", "keepnr": "7", "checkinterval": "60", "schedulingshares": "5"}
    replay.probe(strings)
    numbers = {"type": 1, "flake": "github:a/b", "keepnr": 7, "checkinterval": 60, "schedulingshares": 5}
    assert {key: replay.get("/jobset/demo/fl")[key] for key in numbers} == numbers


def test_told_of_names_in_another_case() -> None:
    assert Replay.at("C17").ask("GET", "/project/DEMO", None).status == 404
