# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Walking a path: the files of its NAR in their order, with the text that stands before each."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from operator import attrgetter
from typing import NamedTuple

from . import nar

# A batch has no more files, and texts of no more bytes between two of them, about.
_MOST_FILES = 96
_LONG_TEXT = 32 * 1024


class Batch(NamedTuple):
    """Some files of a NAR: the text before each, up to the mark of its kind, and its name; the text after all.

    The padding of a file's content is no text: it depends on the size.
    """

    texts: list[bytes]
    names: list[bytes]
    tail: bytes


def is_directory(root: bytes) -> bool:
    """Whether a path is a directory itself, no link to one."""
    return stat.S_ISDIR(os.lstat(root).st_mode)


def open_folder(root: bytes) -> int:
    """A descriptor from which the names of a path's files are opened: of the path, or of the store for a file."""
    folder = root if is_directory(root) else os.path.dirname(root)  # noqa: PTH120
    return os.open(folder, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC)


def unfit(path: bytes) -> nar.NarError:
    """What no NAR can hold is at a path."""
    return nar.NarError(f"{os.fsdecode(path)} is neither a file, a directory nor a symbolic link")


def walk(root: bytes) -> Iterator[Batch]:
    """All of a path's NAR but the contents of its files, in batches.

    Raises NarError for what no NAR can hold (sockets, fifos, devices), OSError when something cannot be read.
    """
    mode = os.lstat(root).st_mode
    if stat.S_ISDIR(mode):
        yield from _walk_directory(root)
    elif stat.S_ISREG(mode):
        yield Batch([nar.MAGIC], [os.path.basename(root)], nar.CLOSE)  # noqa: PTH119
    elif stat.S_ISLNK(mode):
        target = os.readlink(root)  # noqa: PTH115
        yield Batch([], [], nar.MAGIC + nar.SYMLINK + nar.string(target) + nar.CLOSE)
    else:
        raise unfit(root)


def _walk_directory(root: bytes) -> Iterator[Batch]:
    below = len(root) + 1
    before, after = nar.BEFORE_NAME, nar.AFTER_NAME
    texts: list[bytes] = []
    names: list[bytes] = []
    text = nar.MAGIC + nar.DIRECTORY
    # The rest of each directory that is open, the last entry first; None closes it.
    pending = _entries(root)
    while pending:
        if len(text) >= _LONG_TEXT:
            yield Batch(texts, names, text)
            texts, names, text = [], [], b""
        entry = pending.pop()
        if entry is None:
            text += nar.CLOSE_ENTRY
            continue
        length = len(entry.name)
        text += before[length] + entry.name + after[length]
        if entry.is_file(follow_symlinks=False):
            texts.append(text)
            names.append(entry.path[below:])
            text = nar.CLOSE_ENTRY
            if len(names) == _MOST_FILES:
                yield Batch(texts, names, b"")
                texts, names = [], []
        elif entry.is_dir(follow_symlinks=False):
            text += nar.DIRECTORY
            pending.append(None)
            pending += _entries(entry.path)
        elif entry.is_symlink():
            text += nar.SYMLINK + nar.string(os.readlink(entry.path)) + nar.CLOSE_ENTRY  # noqa: PTH115
        else:
            raise unfit(entry.path)
    yield Batch(texts, names, text + nar.CLOSE)


def _entries(folder: bytes) -> list[os.DirEntry[bytes] | None]:
    with os.scandir(folder) as found:
        return sorted(found, key=attrgetter("name"), reverse=True)
