# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sending part of a file without making others wait for the disk."""

from __future__ import annotations

import asyncio
import errno
import os

from .http import Sender

# So much is looked up in the page cache and sent at once.
_SLICE = 2 * 1024 * 1024
_PROBE_STEP = 512 * 1024
_ANY_BYTE = (bytearray(1),)
# What reading without waiting may end with: not in memory; the file system cannot tell, as overlayfs cannot.
NOT_AT_ONCE = (errno.EAGAIN, errno.EOPNOTSUPP)


async def send_file(sender: Sender, descriptor: int, first: int, last: int) -> None:
    """Send a file's bytes from ``first`` to before ``last``, those on the disk fetched by a thread first."""
    for start in range(first, last, _SLICE):
        end = min(start + _SLICE, last)
        if not _in_memory(descriptor, start, end):
            await asyncio.to_thread(_fetch, descriptor, start, end)
        await sender.sendfile(descriptor, start, end - start)


def _in_memory(descriptor: int, first: int, last: int) -> bool:
    """Whether a part of a file seems to be in the page cache, so that sending it does not wait for the disk."""
    try:
        for position in range(last - 1, first - 1, -_PROBE_STEP):
            os.preadv(descriptor, _ANY_BYTE, position, os.RWF_NOWAIT)
    except OSError as error:
        if error.errno not in NOT_AT_ONCE:
            raise
        return False
    return True


def _fetch(descriptor: int, first: int, last: int) -> None:
    """Bring a part of a file into the page cache, and ask for what follows it."""
    os.posix_fadvise(descriptor, first, 2 * (last - first), os.POSIX_FADV_WILLNEED)
    buffer = bytearray(_PROBE_STEP)
    for position in range(first, last, _PROBE_STEP):
        os.preadv(descriptor, (memoryview(buffer)[: last - position],), position)
