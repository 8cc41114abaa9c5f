# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build logs, as Nix keeps them: ``drvs/ab/REST``, plain or bzip2."""

from __future__ import annotations

import bz2
import os
import stat
from collections.abc import Iterator

from .store_path import StorePath

_CHUNK = 256 * 1024


def find_log(logs: bytes, derivation: StorePath) -> bytes | None:
    """The file with the log of a derivation's last build, or None (LocalFSStore::getBuildLogExact)."""
    name = os.fsencode(str(derivation))
    for place in (name[:2] + b"/" + name[2:], name):
        for ending in (b"", b".bz2"):
            path = logs + b"/drvs/" + place + ending
            try:
                if stat.S_ISREG(os.lstat(path).st_mode):
                    return path
            except OSError:
                continue
    return None


def read_log(path: bytes) -> Iterator[bytes]:
    """The log's text in pieces. Raises OSError, or EOFError when the compressed file ends too early."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as raw:
        if not path.endswith(b".bz2"):
            while data := raw.read(_CHUNK):
                yield data
            return
        with bz2.open(raw) as file:
            while data := file.read(_CHUNK):
                yield data
