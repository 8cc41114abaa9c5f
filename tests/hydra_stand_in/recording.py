# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The recorded exchanges with a real Hydra, read from recorded/exchanges.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parent / "recorded/exchanges.md"
EXCHANGE = re.compile(
    r"^### (?P<number>\d+)\. (?P<title>[^\n]*?)  \[(?P<who>\w+)[^\]\n]*\]\n```\n(?P<text>.*?)^```\n",
    re.MULTILINE | re.DOTALL,
)
PART = re.compile(r"^## (?P<part>[A-Z])\. ", re.MULTILINE)


@dataclass(frozen=True)
class Exchange:
    """One request and its answer. name: part and number ("C4"); who: the user whose session it was."""

    name: str
    title: str
    who: str
    method: str
    target: str
    request_headers: dict[str, str]
    request_body: str
    status: int
    headers: dict[str, str]
    body: str


def exchanges() -> list[Exchange]:
    """All of them, in order."""
    return list(_read(FILE.read_text(encoding="utf-8")))


def _read(text: str) -> Iterator[Exchange]:
    starts = [(found.start(), found["part"]) for found in PART.finditer(text)]
    for found in EXCHANGE.finditer(text):
        part = next(part for start, part in reversed(starts) if start < found.start())
        lines = found["text"].splitlines()
        sent = [line[2:] for line in lines if line.startswith(">")]
        # The body of an answer is not marked; it begins after the empty line of the head.
        end = lines.index("< ") if "< " in lines else lines.index("<")
        head = [line[2:] for line in lines[:end] if line.startswith("<")]
        method, target, _ = sent[0].split(" ")
        request_headers, request_body = _message(sent[1:])
        headers, _ = _message(head[1:])
        yield Exchange(
            f"{part}{found['number']}",
            found["title"],
            found["who"],
            method,
            target,
            request_headers,
            request_body,
            int(head[0].split(" ")[0]),
            headers,
            "\n".join(line.removeprefix("< ") for line in lines[end + 1 :]),
        )


def _message(lines: list[str]) -> tuple[dict[str, str], str]:
    head = lines[: lines.index("")] if "" in lines else lines
    pairs = (line.split(": ", 1) for line in head)
    return {name.lower(): value for name, value in pairs}, "\n".join(lines[len(head) + 1 :])
