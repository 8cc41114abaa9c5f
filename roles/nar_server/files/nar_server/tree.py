# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files inside a store path, for ``/serve``: links are followed as by the kernel, but never out of the path."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from .store_path import StorePath

_MOST_LINKS = 40


@dataclass(frozen=True, slots=True)
class Inside:
    """A file or directory inside the store path: its path on this disk, and whether it is a directory."""

    path: bytes
    directory: bool


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A link led to another store path: its hash part, and the names within it."""

    hash_part: str
    names: tuple[bytes, ...]

    @property
    def target(self) -> str:
        """The address to ask for instead, within the view."""
        return f"/serve/{self.hash_part}" + "".join(f"/{quote(name)}" for name in self.names)


def parse_names(text: str) -> tuple[bytes, ...] | None:
    """The names of a percent-encoded path below a store path; None when one of them is not a file's name."""
    names = tuple(unquote_to_bytes(part) for part in text.split("/"))
    if any(name in (b".", b"..") or b"/" in name or b"\0" in name for name in names) or b"" in names[:-1]:
        return None
    return tuple(name for name in names if name)


def _elsewhere(names: list[bytes]) -> Elsewhere | None:
    """What names below the store's directory lead to."""
    names = [name for name in names if name not in (b"", b".")]
    try:
        path = StorePath.parse(os.fsdecode(names[0]))
    except ValueError:
        return None
    return None if b".." in names else Elsewhere(path.hash_part, tuple(names[1:]))


def resolve(  # noqa: PLR0911
    real: bytes, store_dir: str, path: StorePath, names: tuple[bytes, ...]
) -> Inside | Elsewhere | None:
    """What ``names`` below a store path are; ``real`` is the store's directory on this disk.

    A link into another path of the store is told as such; one to anywhere else is nothing, as is what cannot be read.
    """
    root, prefix = os.fsencode(str(path)), os.fsencode(f"{store_dir}/")
    done: list[bytes] = []
    rest = [*reversed(names), root]
    links = 0
    while rest:
        name = rest.pop()
        if name in (b"", b"."):
            continue
        if name == b"..":
            if not done:
                return None
            done.pop()
            continue
        if not done and name != root:
            return _elsewhere([name, *reversed(rest)])
        here = b"/".join((real, *done, name))
        try:
            link = stat.S_ISLNK(os.lstat(here).st_mode)
            target = os.readlink(here) if link else None  # noqa: PTH115
        except OSError:
            return None
        if target is None:
            done.append(name)
            continue
        links += 1
        if links > _MOST_LINKS or (target.startswith(b"/") and not target.startswith(prefix)):
            return None
        if target.startswith(b"/"):
            target, done = target.removeprefix(prefix), []
        rest.extend(reversed(target.split(b"/")))
    if not done:
        return None
    here = b"/".join((real, *done))
    try:
        mode = os.lstat(here).st_mode
    except OSError:
        return None
    return Inside(here, stat.S_ISDIR(mode)) if stat.S_ISDIR(mode) or stat.S_ISREG(mode) else None
