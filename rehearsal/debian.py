"""What the base image is made of: the package list and the mirror it comes from. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

SUITE = "trixie"
DEFAULT_MIRROR = "http://deb.debian.org/debian"


def parse_packages(text: str) -> dict[str, list[str]]:
    """Return the packages of each `[section]` of a package list; `#` starts a comment."""
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.split("#", 1)[0].strip()
        if heading := re.fullmatch(r"\[([a-z]+)\]", line):
            current = sections.setdefault(heading[1], [])
        elif line:
            if not sections:
                raise ValueError(f"line {number}: package {line!r} stands before the first [section]")
            current.append(line)
    return sections


def image_key(*parts: str) -> str:
    """Return a short name that changes with anything the image is made from."""
    return hashlib.sha256("\0".join([SUITE, *parts]).encode()).hexdigest()[:16]


def find_mirror(sources: Iterable[str]) -> str:
    """Return the Debian mirror that apt's source files name, or the default.

    `sources` are the texts of sources.list and *.sources files. Security and foreign archives are passed over: a mirror
    of Debian proper ends in /debian.
    """
    for text in sources:
        for line in text.splitlines():
            if found := re.match(r"(?:deb(?: \[[^]]*\])?|URIs:)\s+(https?://\S+?/debian)/?(?:\s|$)", line):
                return found[1]
    return DEFAULT_MIRROR
