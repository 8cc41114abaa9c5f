# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signals that tell the server what to do, and how a process that forks others takes them."""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Iterator

STOPPING = (signal.SIGTERM, signal.SIGINT)
RELOADING = signal.SIGHUP
TAKEN = (*STOPPING, RELOADING)


@contextlib.contextmanager
def arriving() -> Iterator[socket.socket]:
    """A socket from which the numbers of signals can be read."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    before = {number: signal.signal(number, lambda *_: None) for number in TAKEN}
    previous = signal.set_wakeup_fd(theirs.fileno())
    try:
        yield ours
    finally:
        signal.set_wakeup_fd(previous)
        for number, handler in before.items():
            signal.signal(number, handler)
        ours.close()
        theirs.close()


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Signals wait while this lasts, and in a process forked meanwhile until it lets them come."""
    signal.pthread_sigmask(signal.SIG_BLOCK, TAKEN)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, TAKEN)


def forked() -> None:
    """Forget how the process took signals that this one was forked from. Reloads come from there in another way."""
    signal.set_wakeup_fd(-1)
    signal.signal(RELOADING, signal.SIG_IGN)


def release() -> None:
    """Let those come that were held back."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, TAKEN)
