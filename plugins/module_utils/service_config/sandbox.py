# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Try new files at their final paths where nobody else sees them.

A child process gets a mount namespace of its own; overlays over the touched folders hold the new files in memory. The
programs that will read them are run there, and everything is gone when the child ends.
"""

from __future__ import annotations

import ctypes
import json
import os
import stat
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.commands import Result, Run
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.model import ServiceConfigError
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.plan import Change, is_account_declaration
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.swap import write_changes

_CLONE_NEWNS = 0x00020000
_MS_NOSUID, _MS_NODEV, _MS_BIND, _MS_REC, _MS_PRIVATE = 0x2, 0x4, 0x1000, 0x4000, 0x40000


@dataclass(frozen=True)
class Report:
    """What the checks said, in their order, and what had to be left out."""

    results: tuple[Result, ...]
    warnings: tuple[str, ...] = ()


def run_checks(changes: Sequence[Change], checks: Sequence[Sequence[str]], run: Run, *, tolerant: bool) -> Report:
    """Run the checks as if the changes were made already.

    C(tolerant) as in write_changes. Raises ServiceConfigError if the kernel forbids it or a file cannot be written.
    """
    scratch = tempfile.mkdtemp(prefix="service_config-", dir="/run")
    try:
        document = _in_child(lambda: _check(changes, checks, run, scratch, tolerant))
    finally:
        Path(scratch).rmdir()
    if "error" in document:
        raise ServiceConfigError(str(document["error"]))
    return Report(tuple(Result(**result) for result in document["results"]), tuple(document["warnings"]))


def overlay_points(paths: Sequence[str], mounts: Sequence[str]) -> list[str]:
    """Return the folders to cover so that no write to C(paths) gets through, outermost first. Pure.

    C(paths) are existing folders that will be written in; a folder below another one needs its own cover only if
    something is mounted between them.
    """
    points: list[str] = []
    for path in sorted(set(paths)):
        covered = any(
            _is_below(path, point)
            and not any(_is_below(mount, point) and _is_below_or_same(path, mount) for mount in mounts)
            for point in points
        )
        if not covered:
            points.append(path)
    return points


def _check(
    changes: Sequence[Change], checks: Sequence[Sequence[str]], run: Run, scratch: str, tolerant: bool
) -> dict[str, Any]:
    _unshare()
    _mount("none", "/", "", _MS_REC | _MS_PRIVATE, "")
    _mount("tmpfs", scratch, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0700")
    mounts = _mount_points()
    paths = [change.path for change in changes]
    if any(is_account_declaration(path) for path in paths):
        paths.append("/etc/passwd")
    points = overlay_points([_existing_parent(path) for path in paths], mounts)
    _cover(points, [mount for mount in mounts if any(_is_below(mount, point) for point in points)], scratch)
    warnings = write_changes(changes, run, in_place=False, tolerant=tolerant, step=lambda _name: None)
    return {"results": [asdict(run(check)) for check in checks], "warnings": warnings}


def _cover(points: Sequence[str], mounts: Sequence[str], scratch: str) -> None:
    """Put overlays over the points, and what is mounted below them, and sockets, back on top; outermost first."""
    folders = {path for path in {*points, *mounts} if Path(path).is_dir()}
    # A socket seen through an overlay answers nobody.
    sockets = {path for point in points if _is_below_or_same(point, "/run") for path in _sockets(point, folders)}
    places = sorted(folders | sockets)
    descriptors = {path: os.open(path, os.O_PATH) for path in places}
    for number, path in enumerate(places):
        original = f"/proc/self/fd/{descriptors[path]}"
        if path in points:
            upper, work = Path(scratch, f"{number}-upper"), Path(scratch, f"{number}-work")
            upper.mkdir()
            work.mkdir()
            status = Path(path).stat()
            os.chown(upper, status.st_uid, status.st_gid)
            upper.chmod(status.st_mode & 0o7777)
            _mount("overlay", path, "overlay", 0, f"lowerdir={original},upperdir={upper},workdir={work}")
        else:
            _mount(original, path, "", _MS_BIND, "")
    for descriptor in descriptors.values():
        os.close(descriptor)


def _sockets(top: str, mounts: set[str]) -> list[str]:
    found = []
    for folder, names, files in os.walk(top):
        names[:] = [name for name in names if f"{folder}/{name}" not in mounts]
        found += [f"{folder}/{name}" for name in files if stat.S_ISSOCK(Path(folder, name).lstat().st_mode)]
    return found


def _existing_parent(path: str) -> str:
    parent = Path(path).parent
    while not parent.is_dir():
        parent = parent.parent
    return str(parent.resolve())


def _mount_points() -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    # Blanks in paths are written as octal escapes (proc(5)).
    return [line.split(" ")[4].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\") for line in lines]


def _is_below(path: str, folder: str) -> bool:
    return path != folder and path.startswith(folder.rstrip("/") + "/")


def _is_below_or_same(path: str, folder: str) -> bool:
    return path == folder or _is_below(path, folder)


def _in_child(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Run C(work) in a child process and return the document it made, or its error."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reader)
            try:
                document = work()
            except ServiceConfigError as error:
                document = {"error": str(error)}
            except OSError as error:
                document = {"error": f"cannot try the new files out of sight: {error}; nothing was changed"}
            with os.fdopen(writer, "wb") as stream:
                stream.write(json.dumps(document).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        data = stream.read()
    status = os.waitpid(child, 0)[1]
    if status or not data:
        raise ServiceConfigError(
            f"trying the new files out of sight ended unexpectedly (status {status}); nothing was changed"
        )
    result: dict[str, Any] = json.loads(data)
    return result


def _unshare() -> None:
    if hasattr(os, "unshare"):
        os.unshare(_CLONE_NEWNS)
        return
    _succeed(ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNS), "unshare")


def _mount(source: str, target: str, kind: str, flags: int, options: str) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    result = library.mount(
        os.fsencode(source), os.fsencode(target), kind.encode(), ctypes.c_ulong(flags), os.fsencode(options) or None
    )
    _succeed(result, f"mount {kind or source} on {target}")


def _succeed(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
