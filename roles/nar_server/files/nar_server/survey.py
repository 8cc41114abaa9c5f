# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A path's first time: its files read as the walk finds them, and noted down for its layout."""

from __future__ import annotations

import contextlib
import math
import os
import stat
from collections.abc import Callable, Generator, Iterable, Iterator
from time import monotonic
from typing import NamedTuple

from . import nar
from .folders import CurrentFolder, entries, open_folder, unfit
from .growing_run import GrowingRun
from .layout import INLINE_FILE, RUN_SIZE, LargeFile, Piece, Run

# When the texts of a path are as long, its other tiny files are read like small ones.
_MOST_HELD = 32 * 2**20
# No text between two files is longer, about.
_LONG_TEXT = 32 * 1024
# So many files of a directory are added at once: what stands before them takes some 300 bytes each.
_MOST_AT_ONCE = 256
_AFTER_ROOT = [padding + nar.CLOSE for padding in nar.PADDING]
_AFTER_FILE = [padding + nar.CLOSE_ENTRY for padding in nar.PADDING]


class Part(NamedTuple):
    """A run, where its bytes are, and the large file that follows it, if one does."""

    run: Run
    buffer: memoryview
    large: LargeFile | None

    @property
    def pieces(self) -> list[Piece]:
        """The run and the large file."""
        return [self.run] if self.large is None else [self.run, self.large]

    @property
    def size(self) -> int:
        """Of both, in bytes."""
        return self.run.size + (self.large.size if self.large else 0)


class Pace:
    """When a survey has to interrupt itself: at the time ``until`` of the monotonic clock, a part ends as it is."""

    __slots__ = ("until",)

    def __init__(self) -> None:
        """It has all the time there is."""
        self.until = math.inf


def survey(root: bytes, buffers: Iterable[memoryview], pace: Pace | None = None) -> Iterator[Part]:
    """The parts of a path's NAR, in order, the bytes of each run at the beginning of the next of ``buffers``.

    Of these there is no end, and each has ``BUFFER_SIZE`` bytes. Raises NarError for what no NAR can hold (sockets,
    fifos, devices) and for a file that changes meanwhile, OSError when something cannot be read.
    """
    folder = open_folder(root)
    try:
        with contextlib.closing(CurrentFolder(folder)) as current:
            yield from _survey(root, current, _growing(buffers).__next__, pace or Pace())
    finally:
        os.close(folder)


def _growing(buffers: Iterable[memoryview]) -> Iterator[GrowingRun]:
    """The runs of a path, one after the other. A path of very many tiny files does not hold them all."""
    held = 0
    for buffer in buffers:
        run = GrowingRun(buffer, INLINE_FILE if held < _MOST_HELD else -1)
        yield run
        held += run.text_size


def _part(run: GrowingRun, large: LargeFile | None = None) -> Part:
    return Part(run.run(), run.buffer, large)


def _survey(root: bytes, current: CurrentFolder, begin: Callable[[], GrowingRun], pace: Pace) -> Iterator[Part]:
    run = begin()
    mode = os.lstat(root).st_mode
    if stat.S_ISDIR(mode):
        run = yield from _survey_directory(root, current, run, begin, pace)
    elif stat.S_ISREG(mode):
        files = iter([(os.path.basename(root), b"")])  # noqa: PTH119
        text, large = run.add_files(nar.MAGIC, _AFTER_ROOT, files, current, pace.until)
        if large is not None:
            yield _part(run, large)
            run = begin()
        run.add(text)
    elif stat.S_ISLNK(mode):
        run.add(nar.MAGIC + _link(root))
    else:
        raise unfit(root)
    yield _part(run)


def _survey_directory(
    root: bytes, current: CurrentFolder, run: GrowingRun, begin: Callable[[], GrowingRun], pace: Pace
) -> Generator[Part, None, GrowingRun]:
    """The parts of a directory but the last, which is returned as it grew."""
    below = len(root) + 1
    text = nar.MAGIC + nar.DIRECTORY
    folder = current.path
    # The rest of each directory one is in, the last entry first; a path ends one, and is that of the one around it.
    pending: list[os.DirEntry[bytes] | bytes] = [*entries(root)]
    while pending:
        if len(text) >= _LONG_TEXT:
            run.add(text)
            text = b""
        if _is_enough(run, pace):
            yield _part(run)
            run = begin()
        entry = pending.pop()
        if isinstance(entry, bytes):
            folder = entry
            text += nar.CLOSE_ENTRY
        elif entry.is_file(follow_symlinks=False):
            if folder is not current.path:
                current.change(folder)
            files = iter(_files(entry, pending))
            while True:
                text, large = run.add_files(text, _AFTER_FILE, files, current, pace.until)
                if large is None and not _is_enough(run, pace):
                    break
                yield _part(run, large)
                run = begin()
        elif entry.is_dir(follow_symlinks=False):
            text += _before(entry.name) + nar.DIRECTORY
            pending.append(folder)
            folder = entry.path[below:]
            pending += entries(entry.path)
        elif entry.is_symlink():
            text += _before(entry.name) + _link(entry.path) + nar.CLOSE
        else:
            raise unfit(entry.path)
    run.add(text + nar.CLOSE)
    return run


def _is_enough(run: GrowingRun, pace: Pace) -> bool:
    """Whether a part ends with what is in the run."""
    return run.size >= RUN_SIZE or (monotonic() >= pace.until and run.size > 0)


def _files(first: os.DirEntry[bytes], pending: list[os.DirEntry[bytes] | bytes]) -> list[tuple[bytes, bytes]]:
    """A file and those that follow it, which are no longer pending then: their names, and what stands before each."""
    names = [first.name]
    while pending and len(names) < _MOST_AT_ONCE:
        entry = pending[-1]
        if isinstance(entry, bytes) or not entry.is_file(follow_symlinks=False):
            break
        names.append(entry.name)
        del pending[-1]
    # As _before has it, of which a hundred thousand calls would be felt.
    before_name, after_name = nar.BEFORE_NAME, nar.AFTER_NAME
    return [(name, before_name[len(name)] + name + after_name[len(name)]) for name in names]


def _before(name: bytes) -> bytes:
    """What stands before an entry of a directory."""
    return nar.BEFORE_NAME[len(name)] + name + nar.AFTER_NAME[len(name)]


def _link(path: bytes) -> bytes:
    """A symbolic link, its end too."""
    return nar.SYMLINK + nar.string(os.readlink(path)) + nar.CLOSE  # noqa: PTH115
