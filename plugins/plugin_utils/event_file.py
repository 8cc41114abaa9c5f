# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds and reads event files, for everything that is given an inventory: what cannot be read is a mistake like any
other."""

from __future__ import annotations

from pathlib import Path

from .event import Event, EventError, parse_event
from .event.mistakes import Mistake

FILE_NAMES = ("event.yml", "event.yaml")


def event_files(inventory: Path) -> list[Path]:
    """The event files of an inventory, which is such a file or a folder; also those that are links to nowhere."""
    if inventory.name in FILE_NAMES and not any(_is_there(inventory / name) for name in FILE_NAMES):
        return [inventory] if _is_there(inventory) else []
    return [inventory / name for name in FILE_NAMES if _is_there(inventory / name)]


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def read_event(file: Path) -> Event:
    """The event of a file. Raises EventError naming all mistakes, the file relative to the current folder."""
    shown = str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)
    try:
        text = file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _unreadable(shown, line, "is not UTF-8 from this line on", "save it as UTF-8") from error
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
        raise _unreadable(shown, 1, problem, "make it a file that you may read") from error
    others = [other.name for other in event_files(file.parent) if other.name != file.name]
    if others:
        problem = f"stands beside {others[0]}"
        raise _unreadable(shown, 1, problem, "an inventory has one event; move one of the two elsewhere")
    return parse_event(text, shown)


def _unreadable(file: str, line: int, problem: str, remedy: str) -> EventError:
    return EventError(file, [Mistake(line, "", "", problem, remedy)])
