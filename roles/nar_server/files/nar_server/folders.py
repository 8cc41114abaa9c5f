# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The directories of a path, opened and listed as a NAR has them."""

from __future__ import annotations

import os
import stat
from operator import attrgetter

from . import nar

_FOLDER_FLAGS = os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC


def is_directory(root: bytes) -> bool:
    """Whether a path is a directory itself, no link to one."""
    return stat.S_ISDIR(os.lstat(root).st_mode)


def open_folder(root: bytes) -> int:
    """A descriptor from which the names of a path's files are opened: of the path, or of the store for a file."""
    folder = root if is_directory(root) else os.path.dirname(root)  # noqa: PTH120
    return os.open(folder, _FOLDER_FLAGS)


def entries(folder: bytes) -> list[os.DirEntry[bytes]]:
    """What is in a directory, the last of its NAR first."""
    with os.scandir(folder) as found:
        return sorted(found, key=attrgetter("name"), reverse=True)


class CurrentFolder:
    """The one directory of a path that is open: a file is opened faster from its own than by its whole path."""

    def __init__(self, root: int) -> None:
        """``root``: a descriptor of the outermost one, which stays the caller's."""
        self._root = self.descriptor = root
        self.path = b""

    def change(self, path: bytes) -> None:
        """Open the one at a path, seen from the outermost, instead."""
        self.close()
        if path:
            self.descriptor = os.open(path, _FOLDER_FLAGS, dir_fd=self._root)
        self.path = path

    def close(self) -> None:
        """Go back to the outermost one."""
        if self.descriptor != self._root:
            os.close(self.descriptor)
        self.descriptor = self._root
        self.path = b""


def unfit(path: bytes) -> nar.NarError:
    """What no NAR can hold is at a path."""
    return nar.NarError(f"{os.fsdecode(path)} is neither a file, a directory nor a symbolic link")
