"""Layers of file systems: made once, kept in the cache, and stacked by overlayfs below what each container changes."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from .command import RehearsalError, run

# Runs in private mount and process namespaces: whatever it mounts or leaves running vanishes with it.
IN_OVERLAY = r"""
mount -t overlay -o "lowerdir=$1,upperdir=$2,workdir=$3" overlay "$4"
mount -t proc proc "$4/proc"
mount --rbind /dev "$4/dev"
exec chroot "$4" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 SYSTEMD_OFFLINE=1 \
  /bin/sh -eu -c "$5"
"""


def make_layer(folder: Path, make: Callable[[Path], None]) -> Path:
    """Return `folder`, filled by `make(partial folder)` unless it exists: a half-made one is never taken for whole.

    Of several commands that want the same folder one makes it, and the others wait.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            partial = folder.with_name(f"{folder.name}.partial")
            remove_tree(partial)
            partial.mkdir()
            make(partial)
            partial.rename(folder)
    return folder


def change_root(lower: Sequence[Path], upper: Path, script: str, log: Path | None = None) -> str:
    """Run a shell script in the stack of layers `lower` (topmost first); what it changes lands in `upper`.

    Returns the script's output, unless it goes to `log`.
    """
    work, root = (upper.with_name(f"{upper.name}.{suffix}") for suffix in ("work", "root"))
    for folder in (upper, work, root):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        namespaces = ["unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child"]
        arguments: list[str | Path] = [stack(lower), upper, work, root, script]
        return run([*namespaces, "sh", "-eu", "-c", IN_OVERLAY, "sh", *arguments], log=log)
    finally:
        remove_tree(work)
        root.rmdir()


def stack(layers: Sequence[Path]) -> str:
    """Return layers (topmost first) as overlayfs wants them in `lowerdir=`."""
    if odd := [layer for layer in layers if set(str(layer)) & set(":,\\")]:
        raise RehearsalError(
            f"{odd[0]}: a folder with one of : , \\ in its path cannot be a layer of overlayfs; move the checkout"
        )
    return ":".join(str(layer) for layer in layers)


def remove_tree(folder: Path) -> None:
    """Remove a folder and all in it, if it is there."""
    if folder.exists():
        shutil.rmtree(folder)
