# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files with the keys to sign with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .config import ViewConfig
from .keys import KeyFormatError, SecretKey
from .options import ConfigError, masked


def check_signing_keys(views: Iterable[ViewConfig]) -> list[SecretKey]:
    """The keys that views sign with, each once. Raises ConfigError naming every mistake of every view."""
    keys: dict[str, SecretKey] = {}
    mistakes: list[str] = []
    for files in dict.fromkeys(view.signing_key_files for view in views):
        try:
            keys |= {str(key.public): key for key in load_signing_keys(files)}
        except ConfigError as problem:
            mistakes += str(problem).splitlines()
    if mistakes:
        raise ConfigError("\n".join(dict.fromkeys(mistakes)))
    return list(keys.values())


def load_signing_keys(files: tuple[Path, ...]) -> list[SecretKey]:
    """The keys to sign with. Raises ConfigError naming the file; never a key's content."""
    keys: list[SecretKey] = []
    named: dict[str, list[str]] = {}
    mistakes = []
    for path in files:
        try:
            keys.append(SecretKey.parse(path.read_text(encoding="ascii")))
            named.setdefault(keys[-1].name, []).append(str(path))
        except (OSError, UnicodeDecodeError, KeyFormatError) as problem:
            reason = problem.strerror if isinstance(problem, OSError) else masked(str(problem))
            reason = "it is not text" if isinstance(problem, UnicodeDecodeError) else reason
            if isinstance(problem, FileNotFoundError):
                reason = f"{reason}; 'nix-store --generate-binary-cache-key NAME {path} {path}.pub' makes a key"
            mistakes.append(f"signing_key_files: {path}: {reason}")
    mistakes += [
        f"signing_key_files: the keys of {' and '.join(paths)} are all named {name}; a name is for one key"
        for name, paths in named.items()
        if len(paths) > 1
    ]
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return keys
