# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The terminal of `ansible-playbook`, for a program that a task starts.

Ansible detaches its worker processes, in which tasks run, from the terminal, and gives them no input and output. The
main process still has it, and a worker opens it anew through the main process's descriptors. A terminal that does not
control a process stops it neither for reading nor for writing, and sends it no signals.
"""

from __future__ import annotations

import contextlib
import os
import select
import stat
import termios
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.nixvegas.noc.plugins.module_utils.badge.table.face import LEAVE


@contextlib.contextmanager
def terminal_of(process: int) -> Iterator[int | None]:
    """A descriptor of the terminal that is a process's standard input and output; None if there is none, as under CI or
    in a pipe. At the end the terminal is as it was, even if the program that used it was killed."""
    descriptor = _open(Path(f"/proc/{process}/fd"))
    if descriptor is None:
        yield None
        return
    try:
        before = termios.tcgetattr(descriptor)
        try:
            yield descriptor
        finally:
            if termios.tcgetattr(descriptor) != before:
                termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
                os.write(descriptor, LEAVE.encode())
    except termios.error:
        # It was closed meanwhile.
        pass
    finally:
        os.close(descriptor)


def is_read(process: int) -> bool:
    """Whether a process's standard output still has a reader; false for a pipe whose other end is closed, as by
    `| head`. Ansible's main process waits for ever once such a pipe's buffer is full (seen with 2.19)."""
    try:
        descriptor = os.open(f"/proc/{process}/fd/1", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        # A socket cannot be opened so; it is taken for read.
        return True
    try:
        output = select.poll()
        output.register(descriptor, 0)
        return not any(events & select.POLLERR for _descriptor, events in output.poll(0))
    finally:
        os.close(descriptor)


def _open(descriptors: Path) -> int | None:
    try:
        ends = [(descriptors / name).stat() for name in ("0", "1")]
        if not all(stat.S_ISCHR(end.st_mode) for end in ends) or ends[0].st_rdev != ends[1].st_rdev:
            return None
        descriptor = os.open(descriptors / "1", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return None
    if os.isatty(descriptor):
        return descriptor
    os.close(descriptor)
    return None
