# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What systemd and a service say to each other (sd_notify(3), sd_listen_fds(3), sd_watchdog_enabled(3))."""

from __future__ import annotations

import contextlib
import os
import socket
import time

_FIRST_DESCRIPTOR = 3
# Who takes nothing for so long is not waited for: workers die, and signals come, meanwhile.
_NOTIFY_SECONDS = 0.5


def notify(state: str) -> None:
    """Tell systemd, when it started us. Whether it listens does not matter to those who are served."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notifier,
        ):
            notifier.settimeout(_NOTIFY_SECONDS)
            notifier.sendto(state.encode(), address.replace("@", "\0", 1) if address.startswith("@") else address)


def notify_reloading() -> None:
    """Tell systemd that a reload begins; READY=1 ends it."""
    notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")


def passed_sockets() -> list[socket.socket]:
    """The listening sockets that systemd opened for this process; none when it did not."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    count = int(os.environ.get("LISTEN_FDS", "0"))
    sockets = [socket.socket(fileno=_FIRST_DESCRIPTOR + number) for number in range(count)]
    for passed in sockets:
        os.set_inheritable(passed.fileno(), False)
    return sockets


def watchdog_seconds() -> float | None:
    """How often systemd wants a sign of life, at least; None when it does not."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    microseconds = int(os.environ.get("WATCHDOG_USEC", "0"))
    return microseconds / 1_000_000 if microseconds else None
