# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Readers of the configuration's values: each checks a value of the TOML file and gives what the server works with."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from .keys import KeyFormatError, PublicKey

MODES = ("vouched", "hide", "all", "none")
PATHS = ("all", "upstream", "built")
_ADDRESS = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([^\[\]:/\s]+)):([0-9]{1,5})")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_PREFIX = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+")
_SIZE = re.compile(r"([0-9]+) ?(KiB|MiB|GiB|TiB)")
# Blanks and control characters (RFC 3986, 2).
_NO_URL = re.compile(r"[\x00-\x20\x7f]")
_UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_HIGHEST_PORT = 65535
_A_URL = "https://cache.example.org"
_WITH_USER = re.compile(r"[^/?#]*//[^/?#]*@")
# The user of an address, also where its scheme is not right or missing; and a secret key, 64 bytes in base 64, also
# without its name or the end of its padding, or with ends of lines as repr has them.
_SECRET = re.compile(
    r"(?:(?<=//)|(?<=:)(?!//|\s)).*(?=@|%40)|(?<![A-Za-z0-9+/])(?:[A-Za-z0-9+/](?:\\[nrt])*){86}(?![A-Za-z0-9+/])={0,2}",
    re.DOTALL,
)
_HIGHEST_PRIORITY = 2**31 - 1
_MOST_WORKERS = 256
# Names of what is counted have room for it.
_LONGEST_URL = 200
# Higher ones have windows that clients may refuse.
_HIGHEST_ZSTD_LEVEL = 19
# First words of the server's own addresses, where no view can be.
RESERVED = frozenset(
    (
        "build-trace-v2",
        "health",
        "log",
        "metrics",
        "nar",
        "nix-cache-info",
        "realisations",
        "serve",
        "stats.json",
        "version",
    )
)

_Value = TypeVar("_Value")
Reader = Callable[[Any], Any]


class ConfigError(Exception):
    """The configuration cannot be used. The message has one line for each mistake."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """``host:port``, an IPv6 address in brackets; ValueError otherwise."""
        found = _ADDRESS.fullmatch(text)
        if found is None:
            raise ValueError(f"{shown(text)} is not ADDRESS:PORT, for example 0.0.0.0:5000 or [::]:5000")
        if int(found[3]) > _HIGHEST_PORT:
            raise ValueError(f"{shown(text)} has a port above {_HIGHEST_PORT}")
        host = found[1] or found[2]
        try:
            _check_host_name(host)
        except UnicodeError:
            raise ValueError(f"{shown(text)} has no host name that can be looked up") from None
        return cls(host, int(found[3]))

    def __str__(self) -> str:
        """As it is written."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _check_host_name(host: str) -> None:
    """Raises UnicodeError, a ValueError, for one that cannot be looked up: with a label empty or above 63 letters."""
    # What looks names up does so too.
    host.encode("idna")


def text(value: Any) -> str:
    """A string."""
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is not a string")
    return value


def texts(value: Any) -> list[str]:
    """A list of strings."""
    if not isinstance(value, list):
        raise ValueError(f"{shown(value)} is not a list of strings")
    return each(text, value)


def each(reader: Callable[[Any], _Value], values: Iterable[Any]) -> list[_Value]:
    """Each of these as ``reader`` gives it. Raises ValueError naming all that it refuses."""
    found, mistakes = [], []
    for value in values:
        try:
            found.append(reader(value))
        except ValueError as problem:
            mistakes.append(str(problem))
    if mistakes:
        raise ValueError("; ".join(mistakes))
    return found


def line(value: Any) -> str:
    """A string of one line that is not empty."""
    if not text(value).isprintable() or not value.strip():
        raise ValueError(f"{shown(value)} is not a line of text")
    return text(value)


def flag(value: Any) -> bool:
    """A boolean."""
    if not isinstance(value, bool):
        raise ValueError(f"{shown(value)} is neither true nor false")
    return value


def natural(value: Any) -> int:
    """An integer from 0."""
    return _whole(value, 0)


def priority(value: Any) -> int:
    """The priority of a cache, which Nix reads as an int of C."""
    return _whole(value, 0, _HIGHEST_PRIORITY)


def workers(value: Any) -> int:
    """A number of processes."""
    return _whole(value, 1, _MOST_WORKERS)


def shown(value: Any) -> str:
    """A value as a TOML file has it, near enough; not what may be a password or a secret key, wherever it got to."""
    try:
        written = repr(value)
    except ValueError:
        # Python does not write integers of very many digits, which TOML may have in another base.
        return "a number of very many digits"
    return written.lower() if isinstance(value, bool) else masked(written)


def masked(message: str) -> str:
    """A name or a message without what may be a password or a secret key."""
    return _SECRET.sub("…", message)


def positive(value: Any) -> int:
    """An integer from 1."""
    return _whole(value, 1)


def _whole(value: Any, least: int, most: int | None = None) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least or (most is not None and value > most):
        bound = "" if most is None else f" to {most}"
        raise ValueError(f"{shown(value)} is not a whole number from {least}{bound}")
    return value


def processors() -> int:
    """How many processors this process may use, at most 4: the default number of workers."""
    return min(4, len(os.sched_getaffinity(0)))


def zstd_level(value: Any) -> int:
    """A level of zstd that needs no agreement on memory, or 0."""
    return _whole(value, 0, _HIGHEST_ZSTD_LEVEL)


def size(value: Any) -> int:
    """Bytes: a number of them, or ``"20 GiB"``."""
    if isinstance(value, str):
        found = _SIZE.fullmatch(value)
        if found is None:
            wanted = 'a number of bytes, or of KiB, MiB, GiB or TiB as in "20 GiB"'
            raise ValueError(f"{shown(value)} is not a size: {wanted}")
        return int(found[1]) * _UNITS[found[2]]
    return natural(value)


def choice(*options: str) -> Callable[[Any], str]:
    """A reader of one of these strings."""

    def read(value: Any) -> str:
        if value not in options:
            raise ValueError(f"{shown(value)} is not one of {', '.join(options)}")
        return text(value)

    return read


def directory(value: Any) -> str:
    """An absolute path in its plain form."""
    if not text(value).startswith("/") or value.endswith("/") or "//" in value or "\0" in value:
        raise ValueError(f"{shown(value)} is not an absolute path without a slash at its end")
    return text(value)


def path(value: Any) -> Path:
    """An absolute path in its plain form."""
    return Path(directory(value))


def paths(value: Any) -> tuple[Path, ...]:
    """Absolute paths."""
    return tuple(each(path, texts(value)))


def addresses(value: Any) -> tuple[Address, ...]:
    """At least one address to listen on."""
    if not (found := texts(value)):
        raise ValueError("at least one address is needed")
    listed = each(Address.parse, found)
    if repeated := [str(address) for address in dict.fromkeys(listed) if listed.count(address) > 1]:
        raise ValueError(f"more than once: {', '.join(repeated)}")
    return tuple(listed)


def public_keys(value: Any) -> tuple[PublicKey, ...]:
    """Public keys as Nix writes them."""
    return tuple(each(_public_key, enumerate(texts(value), 1)))


def _public_key(numbered: tuple[int, str]) -> PublicKey:
    number, value = numbered
    try:
        return PublicKey.parse(value)
    except KeyFormatError as problem:
        # By its number: it may be a secret key that got here.
        raise ValueError(f"number {number}: {masked(str(problem))}") from None


def some_public_keys(value: Any) -> tuple[PublicKey, ...]:
    """At least one public key."""
    if not (keys := public_keys(value)):
        raise ValueError("at least one public key is needed")
    return keys


def hosts(value: Any) -> tuple[str, ...]:
    """Host names in lower case, without ports."""
    return tuple(each(_host, texts(value)))


def _host(value: str) -> str:
    if not _HOST.fullmatch(value):
        raise ValueError(f"{shown(value)} is not a host name in lower case without a port")
    return value


def prefix(value: Any) -> str:
    """The beginning of a view's addresses: ``/name``, or ``/`` for none (kept as the empty string)."""
    if text(value) in ("", "/"):
        return ""
    if not _PREFIX.fullmatch(value):
        raise ValueError(f"{shown(value)} is not a path such as /hydra, without a slash at its end")
    if (first := value.split("/")[1]) in RESERVED:
        raise ValueError(f"{shown(value)}: {first!r} is one of the server's own addresses")
    return text(value)


def url(value: Any) -> str:
    """The address of a binary cache, without a slash at its end."""
    if _WITH_USER.match(text(value)):
        # Not shown: it may hold a password.
        raise ValueError(f"an address of a cache has no user and no password; for example {_A_URL}")
    if not _is_cache_url(text(value)):
        wanted = f"http or https, a host, no query; for example {_A_URL}"
        raise ValueError(f"{shown(value)} is not the address of a cache: {wanted}")
    if len(value) > _LONGEST_URL:
        raise ValueError(f"{shown(value)} has more than {_LONGEST_URL} characters")
    return text(value).rstrip("/")


def _is_cache_url(value: str) -> bool:
    if _NO_URL.search(value):
        return False
    try:
        found = urlsplit(value)
        port = found.port
        _check_host_name(found.hostname or "")
    except ValueError:
        return False
    return (
        found.scheme in ("http", "https") and bool(found.hostname) and not (found.query or found.fragment) and port != 0
    )


def names(value: Any) -> tuple[str, ...]:
    """Names of tables of the file."""
    return tuple(texts(value))


def near(name: str, names: Collection[str]) -> str:
    """What somebody who wrote a name that is none of ``names`` most likely meant, or may mean."""
    found = difflib.get_close_matches(name, names, n=1)
    if found:
        return f"did you mean {found[0]!r}?"
    return f"there are: {', '.join(names)}" if names else "there are none"


def read_table(
    table: Any, readers: Mapping[str, Reader], where: str, mistakes: list[str], above: Collection[str] = ()
) -> dict[str, Any]:
    """The values of a table of the file; what is wrong goes to ``mistakes``, each with ``where`` before its name.

    ``above``: options of the top of the file, which end up in its last table when they are written below it.
    """
    if not isinstance(table, dict):
        name = where.rstrip(".")
        mistakes.append(f"{name}: {shown(table)} is not a table: write [{name}], and its options below")
        return {}
    values: dict[str, Any] = {}
    for name, value in table.items():
        if name not in readers:
            place = "it belongs to the top of the file, above the first [table]"
            hint = place if name in above else near(name, readers)
            mistakes.append(f"{where}{masked(name)}: there is no such option; {hint}")
            continue
        try:
            values[name] = readers[name](value)
        except ValueError as problem:
            mistakes.append(f"{where}{name}: {problem}")
    return values
