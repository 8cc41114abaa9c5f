"""What is made of Nix's own words."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.probe import nix
from ansible_collections.nixvegas.noc.plugins.module_utils.probe.model import NotAskedError

HELLO = "/nix/store/0c9bnhfsjxs2jkapn80bh0jlqzj0bnhf-hello-2.12"
GLIBC = "/nix/store/1c9bnhfsjxs2jkapn80bh0jlqzj0bnhf-glibc-2.41"
OURS, THEIRS = "https://cache.example", "https://cache.nixos.org"
LOG = f"""these 2 paths will be fetched
copying path '{GLIBC}' from '{OURS}'...
copying path '{HELLO}' from '{OURS}/'...
"""


def test_sources() -> None:
    """Which URL served which path."""
    assert nix.sources(LOG) == {GLIBC: OURS, HELLO: OURS}


@pytest.mark.parametrize(
    ("copied", "expected", "text", "right"),
    [
        ({HELLO: OURS, GLIBC: OURS}, [OURS + "/"], f"2 paths from {OURS}", True),
        ({HELLO: OURS, GLIBC: THEIRS}, [OURS], f"2 paths from {OURS}, {THEIRS}", False),
        ({GLIBC: OURS}, [OURS], f"1 paths from {OURS}", False),
        ({}, [OURS], "already there", False),
        ({}, [], "already there", True),
        ({HELLO: THEIRS}, [], f"1 paths from {THEIRS}", True),
    ],
)
def test_judgement(copied: dict[str, str], expected: list[str], text: str, right: bool) -> None:
    """All paths from the expected place, the asked one among them."""
    seen = nix.judge(copied, HELLO, expected)
    assert (seen.text, seen.ok) == (text, right)


class Host:
    """Answers commands by their first two words."""

    def __init__(self, **answers: tuple[int, str, str]) -> None:
        self.answers = answers
        self.ran: list[Sequence[str]] = []

    def __call__(self, command: Sequence[str], *_: Any) -> subprocess.CompletedProcess[str]:
        """Record and answer."""
        self.ran.append(command)
        name = command[1].removeprefix("--") if len(command) > 1 else "program"
        return subprocess.CompletedProcess(command, *self.answers[name])


def options(**changed: Any) -> dict[str, Any]:
    """A probe for the closure of hello."""
    return {
        "path": HELLO,
        "substituters": [OURS],
        "trusted_public_keys": ["cache.nixos.org-1:key"],
        "ca_certificates": None,
        "delete": True,
        "program": f"{HELLO}/bin/hello",
        "output": "Hello, world!",
        "expected": [OURS],
        "timeout": 1,
        **changed,
    }


def test_the_whole_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deleted, fetched, run."""
    host = Host(
        query=(0, f"{GLIBC}\n{HELLO}\n", ""),
        delete=(0, "", ""),
        realise=(0, "", LOG),
        program=(0, "Hello, world!\n", ""),
    )
    monkeypatch.setattr(nix, "run", host)
    seen = nix.nix_realise(options())
    assert (seen.text, seen.ok) == (f"2 paths from {OURS}; its program runs", True)
    assert [list(command[:3]) for command in host.ran[:4]] == [
        ["nix-store", "--query", "--requisites"],
        ["nix-store", "--delete", HELLO],
        ["nix-store", "--delete", HELLO],
        ["nix-store", "--delete", GLIBC],
    ]


def test_a_path_in_use_is_not_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that stays would not be fetched."""
    host = Host(query=(0, HELLO, ""), delete=(1, "", "error: still alive"))
    monkeypatch.setattr(nix, "run", host)
    with pytest.raises(NotAskedError, match="still alive"):
        nix.nix_realise(options())


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        ({"realise": (1, "", "error: lacks a signature\n\n")}, "error: lacks a signature"),
        ({"realise": (1, "", "warning: error: no host\nerror: build failed\n")}, "warning: error: no host"),
        ({"realise": (0, "", LOG), "program": (127, "", "no loader\n")}, "its program fails (127): no loader"),
        ({"realise": (0, "", LOG), "program": (0, "Bye", "")}, "its program prints 'Bye'"),
    ],
)
def test_failures(monkeypatch: pytest.MonkeyPatch, answers: dict[str, tuple[int, str, str]], text: str) -> None:
    """Each in Nix's or the program's own words."""
    monkeypatch.setattr(nix, "run", Host(query=(1, "", "not valid"), **answers))
    seen = nix.nix_realise(options())
    assert not seen.ok
    assert seen.text.endswith(text)


def test_only_these_substituters_and_keys() -> None:
    """What the client's own nix.conf says does not help it."""
    words = nix.settings([OURS], ["a:1", "b:2"])
    pairs = dict(zip(words[1::3], words[2::3], strict=True))
    assert pairs["substituters"] == OURS
    assert pairs["trusted-public-keys"] == "a:1 b:2"
    assert pairs["require-sigs"] == "true"


def test_check_mode_only_looks_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """No command is run."""
    monkeypatch.setattr(nix, "run", Host())
    asked = []

    def fetch(url: str, *_: object) -> tuple[int, str]:
        asked.append(url)
        return 200, ""

    monkeypatch.setattr(nix.web, "fetch", fetch)
    assert nix.nix_realise(options(), check_mode=True).ok
    assert asked == [f"{OURS}/0c9bnhfsjxs2jkapn80bh0jlqzj0bnhf.narinfo"]
