# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files with the keys to sign with."""

from __future__ import annotations

from pathlib import Path

from .keys import KeyFormatError, SecretKey
from .options import ConfigError


def load_signing_keys(files: tuple[Path, ...]) -> list[SecretKey]:
    """The keys to sign with. Raises ConfigError naming the file; never a key's content."""
    keys: list[SecretKey] = []
    mistakes = []
    for path in files:
        try:
            keys.append(SecretKey.parse(path.read_text(encoding="ascii")))
        except (OSError, UnicodeDecodeError, KeyFormatError) as problem:
            reason = problem.strerror if isinstance(problem, OSError) else problem
            reason = "it is not text" if isinstance(problem, UnicodeDecodeError) else reason
            mistakes.append(f"signing_key_files: {path}: {reason}")
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    names = [key.name for key in keys]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise ConfigError(f"signing_key_files: two keys are named {', '.join(sorted(repeated))}; a name is for one key")
    return keys
