# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of a transaction under way: enough to put everything back, on disk before the first path changes."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.model import (
    Entry,
    Kind,
    ServiceConfigError,
    Wanted,
)
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.paths import (
    discard_temporary,
    read_entry,
    sync_directory,
    write_entry,
)
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.payload import (
    wanted_from_json,
    wanted_to_json,
)
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.plan import Change
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.systemd import UnitState

_VERSION = 1
_LOCK_WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Saved:
    """The state before a transaction: paths in the order they were to change, and units."""

    paths: tuple[Wanted, ...]
    units: dict[str, UnitState]

    def entries(self) -> dict[str, Entry]:
        """Return the former state by path."""
        return {item.path: item.entry for item in self.paths}


class Journal:
    """The journal of one named transaction, in a folder only root can read."""

    def __init__(self, folder: Path) -> None:
        """Use C(folder), which is made when it is first written to."""
        self._folder = folder
        self._file = folder / "journal.json"

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other runs of the same transaction out. Raises ServiceConfigError when another one does not end."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in list(self._folder.parents)[:3]:
            sync_directory(str(folder))
        with (self._folder / "lock").open("w") as stream:
            deadline = time.monotonic() + _LOCK_WAIT_SECONDS
            while True:
                try:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise ServiceConfigError(
                            f"another run holds {self._folder / 'lock'} for more than {_LOCK_WAIT_SECONDS:g} s; "
                            "wait until it has ended and try again"
                        ) from None
                    time.sleep(0.5)
            discard_temporary(str(self._file))
            yield

    def load(self) -> Saved | None:
        """Return what an interrupted transaction left. Raises ServiceConfigError when it cannot be understood."""
        try:
            document = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except PermissionError:
            raise ServiceConfigError(f"{self._file} cannot be read; become root") from None
        except ValueError:
            document = {}
        if document.get("version") != _VERSION:
            raise ServiceConfigError(
                f"{self._file} was left by an interrupted run and cannot be understood; "
                "put its files back by hand and delete it"
            )
        paths = tuple(wanted_from_json(item) for item in document["paths"])
        return Saved(paths, {name: UnitState(**state) for name, state in document["units"].items()})

    def write(self, changes: Sequence[Change], units: Mapping[str, UnitState]) -> Saved:
        """Record the state before the changes; on disk when the call returns."""
        saved = Saved(tuple(Wanted(change.path, change.before) for change in changes), dict(units))
        document = {
            "version": _VERSION,
            "paths": [wanted_to_json(item) for item in saved.paths],
            "units": {name: asdict(state) for name, state in saved.units.items()},
        }
        content = json.dumps(document, indent=1).encode()
        write_entry(
            str(self._file),
            Entry(Kind.FILE, content, owner=str(os.geteuid()), group=str(os.getegid()), mode=0o600),
            in_place=False,
        )
        return saved

    def clear(self) -> None:
        """Declare the transaction ended."""
        self._file.unlink(missing_ok=True)
        sync_directory(str(self._folder))


def restore_paths(saved: Saved) -> tuple[list[str], list[str]]:
    """Put every path back, last change first; return the paths that differed, and a line for each failure."""
    restored, problems = [], []
    for item in reversed(saved.paths):
        try:
            discard_temporary(item.path)
            if read_entry(item.path) == item.entry:
                continue
            write_entry(item.path, item.entry, in_place=True)
        except OSError as error:
            # A folder of ours that somebody has put something into meanwhile stays.
            if error.errno != errno.ENOTEMPTY:
                problems.append(f"{item.path}: {error.strerror}")
        except ServiceConfigError as error:
            problems.append(str(error))
        else:
            restored.append(item.path)
    return restored, problems
