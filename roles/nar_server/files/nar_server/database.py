# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nix's database, read and never written.

Nix keeps it in SQLite's write-ahead mode. A reader without the right to write there can open it only while the files
``-wal`` and ``-shm`` lie beside it, empty or not. New versions of Nix leave them there; Nix 2.8 and SQLite's own tools
remove them when the last connection closes, so this one is kept open: it holds the lock that keeps them.
``immutable=1`` would do without them, and read torn pages while Nix writes.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .path_info import PathInfo, parse_row

# One statement is one snapshot: a path and its references are of the same moment.
_QUERY = """
    SELECT p.path, p.hash, p.narSize, p.deriver, p.ultimate, p.sigs, p.ca, r.path
    FROM (SELECT * FROM ValidPaths WHERE path >= ? AND path < ? LIMIT 1) AS p
    LEFT JOIN Refs ON Refs.referrer = p.id
    LEFT JOIN ValidPaths AS r ON r.id = Refs.reference
"""
# What a reader meets while a writer opens the database, recovers or truncates the log.
_BUSY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_BUSY_RECOVERY,
    sqlite3.SQLITE_BUSY_SNAPSHOT,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY_CANTINIT,
    sqlite3.SQLITE_READONLY_CANTLOCK,
    sqlite3.SQLITE_READONLY_RECOVERY,
}
# What it meets when the log is not there and it may not make it.
_CANNOT_OPEN = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
_PROBE = "SELECT 1 FROM ValidPaths LIMIT 1"
_ANY = "SELECT path FROM ValidPaths LIMIT 1"
_OURS = "SELECT 1 FROM ValidPaths WHERE path >= ? AND path < ? LIMIT 1"

# Equal as long as nobody has written to the database.
Generation = tuple[int, int]


class DatabaseUnavailableError(Exception):
    """The database cannot be read now: it is locked (``busy``: ask again in a moment), gone, or not one of Nix's."""

    def __init__(self, message: str, *, busy: bool) -> None:
        super().__init__(message)
        self.busy = busy


class Database:
    """A reader of one database. Never waits for a lock: whoever asks decides whether to ask again."""

    def __init__(self, path: Path, store_dir: str) -> None:
        self._path = path
        # Looked at with each question, and a Path is slow at that.
        self._name = os.fspath(path)
        self._store_dir = store_dir
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._opened = 0

    def generation(self) -> Generation:
        """Another value after each change of the database; raises DatabaseUnavailableError."""
        rows = self.select("PRAGMA data_version")
        return self._opened, rows[0][0]

    def lookup(self, hash_part: str) -> PathInfo | None:
        """The valid path with this hash part (32 base-32 digits), or None.

        Raises DatabaseUnavailableError, or MalformedRowError when the row is there and broken.
        """
        prefix = f"{self._store_dir}/{hash_part}"
        # '.' follows '-': the range holds what begins with the hash part and a dash, and no neighbour.
        rows = self.select(_QUERY, (f"{prefix}-", f"{prefix}."))
        if not rows:
            return None
        path, nar_hash, nar_size, deriver, ultimate, signatures, content_address, _unused = rows[0]
        return parse_row(
            self._store_dir,
            path=path,
            nar_hash=nar_hash,
            nar_size=nar_size,
            references=[row[-1] for row in rows if row[-1] is not None],
            deriver=deriver,
            ultimate=ultimate,
            signatures=signatures,
            content_address=content_address,
        )

    def probe(self) -> None:
        """Read something; raises DatabaseUnavailableError when that fails."""
        self.select(_PROBE)

    def other_folder(self) -> str | None:
        """The folder of one of the paths, when none is in this store's; raises DatabaseUnavailableError."""
        # '0' follows '/'.
        if self.select(_OURS, (f"{self._store_dir}/", f"{self._store_dir}0")) or not (found := self.select(_ANY)):
            return None
        # SQLite keeps a value of any type in any column.
        return os.path.dirname(str(found[0][0]))  # noqa: PTH120

    def close(self) -> None:
        """Let go of the database; the next question opens it again."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._file = None

    def select(self, statement: str, arguments: tuple[str, ...] = ()) -> list[tuple[Any, ...]]:
        """The rows of one statement, which is one snapshot; raises DatabaseUnavailableError."""
        try:
            return self._open().execute(statement, arguments).fetchall()
        except (sqlite3.Error, OSError) as problem:
            busy = getattr(problem, "sqlite_errorcode", None) in _BUSY
            if not busy:
                self.close()
            raise DatabaseUnavailableError(self._describe(problem), busy=busy) from problem

    def _describe(self, problem: sqlite3.Error | OSError) -> str:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        text = f"Nix's database {self._path} cannot be read: {reason}"
        if isinstance(problem, FileNotFoundError):
            return f"{text}. Is the store's folder right? Nix makes its database when it is used first."
        # The primary code is in the lowest byte (https://sqlite.org/rescode.html).
        if getattr(problem, "sqlite_errorcode", 0) & 0xFF in _CANNOT_OPEN:
            return f"{text}. Readers need the files {self._path.name}-wal and -shm beside it; root can touch them."
        return text

    def _open(self) -> sqlite3.Connection:
        """The connection, a new one when another file has taken the database's name."""
        status = os.stat(self._name)  # noqa: PTH116
        file = (status.st_dev, status.st_ino)
        if self._connection is None or self._file != file:
            self.close()
            uri = f"file:{quote(os.fsencode(self._path))}?mode=ro"
            self._connection = sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None)
            # Rows are text that any program may have written: keep their bytes, whatever they are.
            self._connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
            self._file = file
            self._opened += 1
        return self._connection
