# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what is wanted and what is there to the changes of paths, in the order they are made. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.model import (
    ABSENT,
    Entry,
    Kind,
    Request,
    ServiceConfigError,
    Wanted,
)

UNIT_FOLDERS = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")


@dataclass(frozen=True)
class Change:
    """One path that becomes something else."""

    path: str
    before: Entry
    after: Entry
    secret: bool = False


def ancestors(path: str) -> list[str]:
    """Return the folders above a path, outermost first, without the root."""
    return [str(parent) for parent in reversed(PurePosixPath(path).parents)][1:]


def plan_paths(request: Request, current: Mapping[str, Entry]) -> list[Change]:
    """Return the changes that lead from C(current) to what is wanted.

    C(current) maps every path that exists, of those the request names, their ancestors and what is in purged folders.
    Missing folders above a wanted path are made, root's and 0755. Order: declarations of accounts, folders from the
    outside in, files and links, removals from the inside out.
    Raises ServiceConfigError where something else stands in the way.
    """
    changes: dict[str, Change] = {}
    listed = {item.path for item in request.wanted}
    for item in request.wanted:
        if item.entry.kind is not Kind.ABSENT:
            for path in ancestors(item.path):
                before = current.get(path, ABSENT)
                if before.kind is Kind.ABSENT and path not in listed:
                    changes[path] = Change(path, ABSENT, Entry(Kind.DIRECTORY, owner="root", group="root", mode=0o755))
                elif before.kind in (Kind.FILE, Kind.OTHER):
                    raise ServiceConfigError(f"{item.path}: {path} above it is not a folder; move it out of the way")
        change = _change_of(item, current.get(item.path, ABSENT))
        if change:
            changes[item.path] = change
    keep = {folder for path in listed for folder in ancestors(path)} | listed
    for purge in request.purges:
        for path, before in current.items():
            if (
                path not in keep
                and path not in changes
                and _is_purged(path, before, purge.path, purge.patterns, purge.recursive)
            ):
                changes[path] = Change(path, before, ABSENT, secret=is_private(before))
    return sorted(changes.values(), key=_order)


def touches_units(changes: Iterable[Change]) -> bool:
    """Tell whether systemd must read its units again."""
    return any(change.path.startswith(UNIT_FOLDERS) for change in changes)


def matches(paths: Iterable[str], patterns: Iterable[str]) -> bool:
    """Tell whether a path matches a shell pattern; C(*) matches C(/) as well."""
    patterns = tuple(patterns)
    return any(fnmatchcase(path, pattern) for path in paths for pattern in patterns)


def is_account_declaration(path: str) -> bool:
    """Tell whether a file declares users for systemd-sysusers, which later files may belong to."""
    return path.endswith(".conf") and str(PurePosixPath(path).parent).endswith("/sysusers.d")


def _change_of(item: Wanted, before: Entry) -> Change | None:
    after = item.entry
    if before == after or (after.kind is Kind.ABSENT and before.kind is Kind.ABSENT):
        return None
    if before.kind is Kind.DIRECTORY and after.kind is not Kind.DIRECTORY:
        raise ServiceConfigError(
            f"{item.path} is a folder where there should be {_name(after)}; remove the folder by hand"
        )
    if after.kind is Kind.DIRECTORY and before.kind not in (Kind.DIRECTORY, Kind.ABSENT):
        raise ServiceConfigError(
            f"{item.path} is {_name(before)} where there should be a folder; move it out of the way"
        )
    if before.kind is Kind.OTHER:
        raise ServiceConfigError(f"{item.path} is {_name(before)}; move it out of the way")
    secret = item.secret or (after.kind is Kind.ABSENT and is_private(before))
    return Change(item.path, before, after, secret)


def _is_purged(path: str, entry: Entry, folder: str, patterns: tuple[str, ...], recursive: bool) -> bool:
    pure = PurePosixPath(path)
    if recursive:
        return entry.kind is not Kind.OTHER and path.startswith(folder + "/")
    return (
        str(pure.parent) == folder
        and entry.kind in (Kind.FILE, Kind.LINK)
        and any(fnmatchcase(pure.name, pattern) for pattern in patterns)
    )


def is_private(entry: Entry) -> bool:
    """Tell whether not everybody may read a file, so that it may hold a secret."""
    return entry.kind is Kind.FILE and not entry.mode & 0o004


def _name(entry: Entry) -> str:
    names = {Kind.FILE: "a file", Kind.LINK: "a link", Kind.DIRECTORY: "a folder", Kind.ABSENT: "nothing"}
    return names.get(entry.kind, "a device or socket")


def _order(change: Change) -> tuple[int, int, str]:
    depth = change.path.count("/")
    if change.after.kind is Kind.ABSENT:
        return (3, -depth, change.path)
    if change.after.kind is Kind.DIRECTORY and not change.path.endswith("/sysusers.d"):
        return (1, depth, change.path)
    return (0 if is_account_declaration(change.path) or change.after.kind is Kind.DIRECTORY else 2, depth, change.path)
