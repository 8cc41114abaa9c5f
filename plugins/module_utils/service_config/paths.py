# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read and write paths: every write is atomic and on disk when the call returns."""

from __future__ import annotations

import contextlib
import errno
import functools
import grp
import os
import pwd
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.model import (
    ABSENT,
    Entry,
    Kind,
    ServiceConfigError,
)


def read_entry(path: str) -> Entry:
    """Return what stands at a path, without following a final link."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    owner, group = _user_name(status.st_uid), _group_name(status.st_gid)
    if stat.S_ISLNK(status.st_mode):
        return Entry(Kind.LINK, target=str(Path(path).readlink()))
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISREG(status.st_mode):
        return Entry(Kind.FILE, content=Path(path).read_bytes(), owner=owner, group=group, mode=mode)
    kind = Kind.DIRECTORY if stat.S_ISDIR(status.st_mode) else Kind.OTHER
    return Entry(kind, owner=owner, group=group, mode=mode)


def list_below(path: str, *, recursive: bool) -> Iterator[str]:
    """Yield the paths in a folder; if recursive, those below too, without Python's bytecode; none if it is missing."""
    try:
        with os.scandir(path) as scan:
            items = sorted(scan, key=lambda item: item.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    for item in items:
        if recursive and (item.name == "__pycache__" or item.name.endswith(".pyc")):
            continue
        yield item.path
        if recursive and item.is_dir(follow_symlinks=False):
            yield from list_below(item.path, recursive=True)


def write_entry(path: str, entry: Entry, *, in_place: bool) -> None:
    """Make a path be as given.

    C(in_place) allows a file that cannot be replaced because something is mounted on it to be overwritten instead.
    Raises OSError, and ServiceConfigError when the owner or group does not exist.
    """
    if entry.kind is Kind.ABSENT:
        _remove(path)
    elif entry.kind is Kind.LINK:
        temporary = _temporary_name(path)
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(entry.target)
        _move(temporary, path)
    elif entry.kind is Kind.DIRECTORY:
        if not Path(path).is_dir():
            Path(path).mkdir(mode=0o700)
        os.chown(path, user_id(entry.owner, path), group_id(entry.group, path))
        Path(path).chmod(entry.mode)
    elif entry.kind is Kind.FILE:
        _write_file(path, entry, in_place=in_place)
    else:
        raise ServiceConfigError(f"{path} is neither a file, a link nor a folder; move it out of the way")
    sync_directory(str(Path(path).parent))


def discard_temporary(path: str) -> None:
    """Remove what a killed run may have left beside a path it was writing."""
    with contextlib.suppress(NotADirectoryError):
        _temporary_name(path).unlink(missing_ok=True)


def sync_directory(path: str) -> None:
    """Wait until a folder's entries are on disk."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def user_id(name: str, path: str) -> int:
    """Return a user's number; raises ServiceConfigError naming the path that needs it."""
    try:
        return int(name) if name.isdigit() else pwd.getpwnam(name).pw_uid
    except KeyError:
        raise ServiceConfigError(f"{path}: there is no user {name!r}; install what creates it first") from None


def group_id(name: str, path: str) -> int:
    """Return a group's number; raises ServiceConfigError naming the path that needs it."""
    try:
        return int(name) if name.isdigit() else grp.getgrnam(name).gr_gid
    except KeyError:
        raise ServiceConfigError(f"{path}: there is no group {name!r}; install what creates it first") from None


def usual_user(name: str) -> str:
    """Return a user given by name or number as read_entry names it; what does not exist stays as it is."""
    try:
        return _user_name(user_id(name, ""))
    except ServiceConfigError:
        return name


def usual_group(name: str) -> str:
    """Return a group given by name or number as read_entry names it; what does not exist stays as it is."""
    try:
        return _group_name(group_id(name, ""))
    except ServiceConfigError:
        return name


def _write_file(path: str, entry: Entry, *, in_place: bool) -> None:
    uid, gid = user_id(entry.owner, path), group_id(entry.group, path)
    temporary = _temporary_name(path)
    # Made anew: what is left of a killed run may be open elsewhere, be a link, or be readable by more than root.
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(entry.content)
            os.fchown(descriptor, uid, gid)
            os.fchmod(descriptor, entry.mode)
            stream.flush()
            os.fsync(descriptor)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if error.errno != errno.EBUSY or not in_place:
            raise
        _overwrite(path, entry, uid, gid)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _overwrite(path: str, entry: Entry, uid: int, gid: int) -> None:
    with Path(path).open("r+b") as stream:
        stream.write(entry.content)
        stream.truncate()
        os.fchown(stream.fileno(), uid, gid)
        os.fchmod(stream.fileno(), entry.mode)
        stream.flush()
        os.fsync(stream.fileno())


def _remove(path: str) -> None:
    try:
        if Path(path).is_dir() and not Path(path).is_symlink():
            Path(path).rmdir()
        else:
            Path(path).unlink(missing_ok=True)
    except OSError as error:
        if error.errno == errno.ENOTEMPTY:
            # Only bytecode can be left: everything else in a folder that goes was planned to go before it.
            _remove_bytecode_folder(path)
        elif error.errno != errno.ENOENT:
            raise


def _remove_bytecode_folder(path: str) -> None:
    for item in list(Path(path).iterdir()):
        if item.name == "__pycache__":
            shutil.rmtree(item)
        elif item.suffix == ".pyc":
            item.unlink()
    Path(path).rmdir()


def _temporary_name(path: str) -> Path:
    # Always the same, so that whatever a killed run left is found again.
    return Path(path).with_name(f".{Path(path).name[:200]}.nixvegas-new")


def _move(temporary: Path, path: str) -> None:
    try:
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


@functools.cache
def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


@functools.cache
def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
