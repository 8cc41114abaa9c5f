# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked for and what is there: plain values without behaviour of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePosixPath
from typing import Any

NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9_-]*")
MODE_PATTERN = re.compile(r"0[0-7]{3,4}")


class ServiceConfigError(Exception):
    """Anything the user must be told: says where, what, why and what to do; never holds a secret."""


class Kind(Enum):
    """What stands at a path."""

    ABSENT = "absent"
    FILE = "file"
    LINK = "link"
    DIRECTORY = "directory"
    OTHER = "other"


@dataclass(frozen=True)
class Entry:
    """One path's state. C(owner) and C(group) are names, or numbers as text where no name exists."""

    kind: Kind
    content: bytes = b""
    target: str = ""
    owner: str = ""
    group: str = ""
    mode: int = 0

    def __repr__(self) -> str:
        """Leave the content out: it may be a secret, and representations end up in error messages."""
        return f"Entry({self.kind.value}, {len(self.content)} bytes, {self.owner}:{self.group} {self.mode:04o})"


ABSENT = Entry(Kind.ABSENT)


@dataclass(frozen=True)
class Wanted:
    """A path and the state it shall have."""

    path: str
    entry: Entry
    secret: bool = False


@dataclass(frozen=True)
class Purge:
    """A folder that holds nothing but what is wanted.

    C(patterns) limit it to names they match; C(recursive) takes unlisted sub-folders too.
    """

    path: str
    patterns: tuple[str, ...] = ("*",)
    recursive: bool = False


@dataclass(frozen=True)
class Apply:
    """A command to run after the swap when a path matching C(when) changed."""

    command: tuple[str, ...]
    when: tuple[str, ...] = ("*",)


@dataclass(frozen=True)
class Service:
    """A systemd unit and the state it shall have; C(None) means not managed."""

    name: str
    enabled: bool | None = None
    state: str | None = None
    on_change: str = "restart"
    when: tuple[str, ...] = ("*",)


@dataclass(frozen=True)
class Health:
    """A read-only command that succeeds with the expected output exactly when the service does its work."""

    command: tuple[str, ...]
    stdout: str | None = None
    contains: tuple[str, ...] = ()
    not_contains: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """One whole transaction."""

    name: str
    wanted: tuple[Wanted, ...] = ()
    purges: tuple[Purge, ...] = ()
    checks: tuple[tuple[str, ...], ...] = ()
    apply: tuple[Apply, ...] = ()
    services: tuple[Service, ...] = ()
    health: tuple[Health, ...] = ()
    health_timeout: float = 20


def parse_mode(text: str, where: str) -> int:
    """Return the permission bits of an octal string such as C("0644").

    Raises ServiceConfigError for anything else, also for the decimal numbers an unquoted YAML mode turns into.
    """
    if not MODE_PATTERN.fullmatch(text):
        raise ServiceConfigError(f'{where}: mode {text!r} is not an octal mode; write it quoted, as in mode: "0644"')
    return int(text, 8)


def check_path(path: str, where: str) -> str:
    """Return the path, which must be absolute and without C(..) or needless parts."""
    if not path.startswith("/") or ".." in PurePosixPath(path).parts or str(PurePosixPath(path)) != path or path == "/":
        raise ServiceConfigError(f"{where}: {path!r} is not a plain absolute path; write it as in /etc/knot/knot.conf")
    return path


def build_request(options: Mapping[str, Any], wanted: Sequence[Wanted], purges: Sequence[Purge]) -> Request:
    """Make a transaction of a module's validated options and the rendered files.

    Raises ServiceConfigError for a bad name and for a path that is given twice.
    """
    name = options["name"]
    if not NAME_PATTERN.fullmatch(name):
        raise ServiceConfigError(f"name: {name!r} must consist of lower-case letters, digits, _ and -")
    seen: set[str] = set()
    for item in wanted:
        if item.path in seen:
            raise ServiceConfigError(f"{item.path} is given twice; keep one of the two")
        seen.add(item.path)
    return Request(
        name=name,
        wanted=tuple(wanted),
        purges=tuple(purges),
        checks=tuple(tuple(str(word) for word in command) for command in options["checks"] if command),
        apply=tuple(Apply(tuple(item["command"]), tuple(item["when"])) for item in options["apply"]),
        services=tuple(
            Service(item["name"], item["enabled"], item["state"], item["on_change"], tuple(item["when"]))
            for item in options["services"]
        ),
        health=tuple(
            Health(tuple(item["command"]), item["stdout"], tuple(item["contains"]), tuple(item["not_contains"]))
            for item in options["health"]
        ),
        health_timeout=float(options["health_timeout"]),
    )
