"""The process whose namespaces a rehearsal lives in: when it goes, every mount, network and container goes with it.

Run as `python3 -m rehearsal.holder RECORD`; it records its process id in RECORD and stays until it is killed. It is the
first process of its process namespace, so the kernel ends all containers when it ends, however it ended. It shares the
machine's network namespace and adds nothing to it.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
READY = b"."
CGROUPS = Path("/sys/fs/cgroup")


def start_time(pid: int) -> str | None:
    """Return when a process started, in ticks since the machine booted; None if there is no such process."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return status.rpartition(")")[2].split()[19]


def boot_id() -> str:
    """Return the name the kernel gave to this boot of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def prepare_mounts() -> None:
    """Mount what containers need, in a mount namespace of our own: nothing of the machine itself is changed.

    A /run and /dev/shm of our own keep the names of networks and podman's locks and records from the machine's.
    """
    commands = [["mount", "--make-rprivate", "/"], ["mount", "-t", "proc", "proc", "/proc"]]
    if not (CGROUPS / "cgroup.controllers").exists():
        # systemd needs control groups of version 2, which every kernel has beside the old ones.
        commands += [
            ["umount", "--recursive", "--lazy", str(CGROUPS)],
            ["mount", "-t", "cgroup2", "cgroup2", str(CGROUPS)],
        ]
    commands += [["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", folder] for folder in ("/run", "/dev/shm")]
    for command in commands:
        subprocess.run(command, check=True)


def hold() -> NoReturn:
    """Wait for ever, and collect the children that dead parents leave to the first process."""
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        signal.pause()
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass


def unshare(flags: int) -> None:
    """Leave namespaces that are shared with the parent."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"unshare: {os.strerror(code)}")


def become_holder(recorded: int, announce: int) -> NoReturn:
    """Hold namespaces, once the parent has recorded this process: without a record nobody could end it."""
    os.setsid()
    os.chdir("/")
    if not os.read(recorded, 1):
        sys.exit(1)
    unshare(CLONE_NEWNS)
    prepare_mounts()
    os.write(announce, READY)
    os.close(announce)
    silence = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(silence, descriptor)
    hold()


def main(record: Path) -> int:
    """Start the holder; return 0 when it is ready, 1 when it failed."""
    recorded, record_written = os.pipe()
    ready, announce = os.pipe()
    unshare(CLONE_NEWPID)
    pid = os.fork()
    if pid == 0:
        os.close(record_written)
        os.close(ready)
        become_holder(recorded, announce)
    os.close(announce)
    partial = record.with_suffix(".partial")
    partial.write_text(json.dumps({"pid": pid, "start_time": start_time(pid), "boot_id": boot_id()}))
    partial.replace(record)
    os.write(record_written, READY)
    return 0 if os.read(ready, len(READY)) == READY else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
