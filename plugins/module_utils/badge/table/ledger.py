# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger's file: appended to and synced line by line, locked against a second run."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from .record import COLUMNS, History, LedgerError, Record, format_record, history, line, parse

FILE_MODE = 0o600
_KEY_BYTES = 32


class Ledger:
    """A ledger open for writing; use it as a context manager.

    A line that a crash or a power cut left without its end is removed: what it said was not done yet.

    :raises LedgerError: if another run has it open, or it is no ledger.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.torn = 0
        """How many bytes were removed."""
        try:
            is_new = not path.exists()
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        except OSError as error:
            raise LedgerError(
                f"{path}: it cannot be written: {error.strerror}; name a file in a folder of yours"
            ) from error
        try:
            self._lock()
            self.history: History = self._recover()
            if is_new:
                _sync(path.parent)
            self.key = _key(path, make=True)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Let another run have it."""
        os.close(self._file)

    def append(self, record: Record) -> None:
        """Write a record; it is on the disk when this returns. Raises LedgerError."""
        self._append(format_record(record))

    def _append(self, text: str) -> None:
        try:
            data = text.encode()
            while data:
                data = data[os.write(self._file, data) :]
            os.fsync(self._file)
        except OSError as error:
            raise LedgerError(f"{self.path}: it cannot be written: {error.strerror}") from error

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LedgerError(f"{self.path}: another run has it open; end that one first") from None

    def _recover(self) -> History:
        """What the ledger says. It is not changed before it is known to be one."""
        whole, torn = _whole(self.path)
        if not whole and not line(COLUMNS).encode().startswith(torn.rstrip(b"\0")):
            raise LedgerError(f"{self.path}: it is another file; name one that is not there yet")
        known = history(parse(whole, str(self.path)))
        self.torn = len(torn)
        if torn:
            os.ftruncate(self._file, len(whole.encode()))
            os.fsync(self._file)
        if not whole:
            self._append(line(COLUMNS))
        return known


def look(path: Path) -> tuple[History, bytes]:
    """What a ledger says, and its key, without changing or locking it. Raises LedgerError."""
    try:
        whole, _torn = _whole(path)
    except FileNotFoundError:
        return History(), b""
    return history(parse(whole, str(path)) if whole else []), _key(path, make=False)


def digest(key: bytes, image: bytes) -> str:
    """A name for settings that tells nobody without the key which passphrase is in them."""
    return hmac.new(key, image, hashlib.sha256).hexdigest()[:16]


def _whole(path: Path) -> tuple[str, bytes]:
    """The lines that have an end, and what stands after them. Raises LedgerError."""
    content = path.read_bytes()
    end = content.rfind(b"\n") + 1
    try:
        return content[:end].decode(), content[end:]
    except UnicodeDecodeError as error:
        number = content[: error.start].count(b"\n") + 1
        raise LedgerError(f"{path}, line {number}: it is no UTF-8; mend or delete that line") from error


def _key(ledger: Path, make: bool) -> bytes:
    """The key of the settings' digests, beside the ledger. Without it all badges are looked at again, no more."""
    path = ledger.with_name(f"{ledger.name}.key")
    with contextlib.suppress(FileNotFoundError):
        key = path.read_bytes()
        if len(key) == _KEY_BYTES or not make:
            return key
    if not make:
        return b""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    key = secrets.token_bytes(_KEY_BYTES)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    return key


def _sync(folder: Path) -> None:
    """Make a new file's name survive a power cut, too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
