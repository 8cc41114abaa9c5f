# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration file: TOML, every option with a default, every mistake reported."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .keys import KeyFormatError, PublicKey, SecretKey

MODES = ("vouched", "hide", "all", "none")
_ADDRESS = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([^\[\]:/\s]+)):([0-9]{1,5})")
_HIGHEST_PORT = 65535


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
        if found is None or int(found[3]) > _HIGHEST_PORT:
            raise ValueError(f"{text!r} is not ADDRESS:PORT, for example 0.0.0.0:5000 or [::]:5000")
        return cls(found[1] or found[2], int(found[3]))


@dataclass(frozen=True, slots=True)
class Config:
    """What the server is told. The options of the file have the same names; docs/nar-server.md describes them."""

    listen: tuple[Address, ...] = (Address("127.0.0.1", 5000),)
    store_dir: str = "/nix/store"
    real_store_dir: Path = Path("/nix/store")
    database: Path = Path("/nix/var/nix/db/db.sqlite")
    priority: int = 30
    policy: str = "vouched"
    signing_key_files: tuple[Path, ...] = ()
    trusted_public_keys: tuple[PublicKey, ...] = ()


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a string")
    return value


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is not a list of strings")
    return [_text(item) for item in value]


def _directory(value: Any) -> str:
    text = _text(value)
    if not text.startswith("/") or text.endswith("/") or "//" in text:
        raise ValueError(f"{text!r} is not an absolute path without a slash at its end")
    return text


def _addresses(value: Any) -> tuple[Address, ...]:
    if not (texts := _texts(value)):
        raise ValueError("at least one address is needed")
    return tuple(Address.parse(text) for text in texts)


def _priority(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is not a number from 0")
    return value


def _mode(value: Any) -> str:
    if value not in MODES:
        raise ValueError(f"{value!r} is not one of {', '.join(MODES)}")
    return _text(value)


# One reader for each field of Config: it checks a value of the file and gives the field's.
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "listen": _addresses,
    "store_dir": _directory,
    "real_store_dir": lambda value: Path(_directory(value)),
    "database": lambda value: Path(_directory(value)),
    "priority": _priority,
    "policy": _mode,
    "signing_key_files": lambda value: tuple(Path(_directory(text)) for text in _texts(value)),
    "trusted_public_keys": lambda value: tuple(PublicKey.parse(text) for text in _texts(value)),
}


def parse_config(text: str) -> Config:
    """The configuration a TOML text holds. Raises ConfigError naming every mistake."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise ConfigError(f"it is not valid TOML: {problem}") from problem
    values: dict[str, Any] = {}
    mistakes: list[str] = []
    for name, value in document.items():
        if name not in _READERS:
            near = difflib.get_close_matches(name, _READERS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(_READERS)}"
            mistakes.append(f"{name}: there is no such option; {hint}")
            continue
        try:
            values[name] = _READERS[name](value)
        except ValueError as problem:
            mistakes.append(f"{name}: {problem}")
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    # A store elsewhere has its database elsewhere: beside the store's directory, as Nix lays it out.
    values.setdefault("real_store_dir", Path(values.get("store_dir", Config().store_dir)))
    values.setdefault("database", values["real_store_dir"].parent / "var/nix/db/db.sqlite")
    return Config(**values)


def load_config(path: Path) -> Config:
    """The configuration in a file. Raises ConfigError, its lines beginning with the file's name."""
    try:
        return parse_config(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"{path}: {problem}") from problem
    except ConfigError as problem:
        raise ConfigError("\n".join(f"{path}: {line}" for line in str(problem).splitlines())) from problem


def load_signing_keys(config: Config) -> list[SecretKey]:
    """The keys to sign with. Raises ConfigError naming the file; never a key's content."""
    keys: list[SecretKey] = []
    for path in config.signing_key_files:
        try:
            keys.append(SecretKey.parse(path.read_text(encoding="ascii")))
        except (OSError, UnicodeDecodeError, KeyFormatError) as problem:
            reason = problem.strerror if isinstance(problem, OSError) else problem
            reason = "it is not text" if isinstance(problem, UnicodeDecodeError) else reason
            raise ConfigError(f"signing_key_files: {path}: {reason}") from None
    names = [key.name for key in keys]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise ConfigError(f"signing_key_files: two keys are named {', '.join(sorted(repeated))}; a name is for one key")
    return keys
