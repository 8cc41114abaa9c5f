"""Starts and finds the holder, and enters its namespaces."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from .command import RehearsalError, run
from .holder import boot_id, start_time
from .paths import CHECKOUT, State

# Leaves of the tree first: a control group with children cannot be removed.
REMOVE_CGROUPS = """
if ! [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  umount --recursive --lazy /sys/fs/cgroup
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
if [ -d "/sys/fs/cgroup/$1" ]; then find "/sys/fs/cgroup/$1" -depth -type d -delete; fi
"""


@dataclass(frozen=True)
class Holder:
    """A running holder."""

    pid: int

    @property
    def enter(self) -> list[str]:
        """The command that runs another one in the holder's mount and process namespaces."""
        return ["nsenter", "--target", str(self.pid), "--mount", "--pid", "--"]

    def path(self, inside: Path) -> Path:
        """Return the path, on the machine, of a path in the holder's mount namespace."""
        return Path(f"/proc/{self.pid}/root") / str(inside).lstrip("/")

    def network(self, host: str) -> Path:
        """Return the path, on the machine, of a host's network namespace."""
        return self.path(Path("/run/netns") / host)


def cgroup(state: State) -> str:
    """Return the control group of a rehearsal's containers."""
    return f"nixvegas-rehearsal-{state.identity}"


def find_holder(state: State) -> Holder | None:
    """Return the holder of a rehearsal, if it is running."""
    try:
        record = json.loads(state.holder.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    same = record["boot_id"] == boot_id() and record["start_time"] == start_time(record["pid"])
    return Holder(record["pid"]) if same else None


def start_holder(state: State) -> Holder:
    """Start the holder of a rehearsal, which must not be running."""
    state.folder.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-m", "rehearsal.holder", str(state.holder)]
    run(command, environment=environment, hint="The namespaces of the rehearsal could not be made.")
    holder = find_holder(state)
    if holder is None:
        raise RehearsalError("the process that holds the rehearsal's namespaces ended at once; try again")
    return holder


def stop_holder(state: State) -> None:
    """End the holder and with it all containers, networks and mounts; remove their control groups."""
    holder = find_holder(state)
    if holder:
        with contextlib.suppress(ProcessLookupError):
            os.kill(holder.pid, signal.SIGKILL)
        deadline = time.monotonic() + 30
        while find_holder(state) and time.monotonic() < deadline:
            time.sleep(0.05)
        if find_holder(state):
            raise RehearsalError(
                f"process {holder.pid} does not end; look at it with `ps {holder.pid}`, then repeat this"
            )
    run(["unshare", "--mount", "--propagation=private", "sh", "-eu", "-c", REMOVE_CGROUPS, "sh", cgroup(state)])
