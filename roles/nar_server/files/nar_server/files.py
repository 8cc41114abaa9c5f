# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of store paths as answers, for ``/serve``."""

from __future__ import annotations

import mimetypes
import os
import stat

from .bodies import FileBody
from .http import Response
from .tree import Inside

# Python's own table of types, the same on every machine.
_TYPES = mimetypes.MimeTypes(filenames=())
# What lies in a store is not ours: a page of it runs no scripts and is no part of this origin.
SANDBOX = {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff"}


def _open_here(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def open_file(there: Inside) -> Response | None:
    """A file, or a directory's ``index.html``; None when it has none. Raises OSError."""
    path = there.path
    if there.directory:
        path += b"/index.html"
        try:
            is_file = stat.S_ISREG(os.lstat(path).st_mode)
        except OSError:
            is_file = False
        if not is_file:
            return None
    # Not a bare descriptor: when the client is gone before a thread has opened it, nobody is there to close it.
    file = open(path, "rb", buffering=0, opener=_open_here)  # noqa: SIM115
    size = os.fstat(file.fileno()).st_size
    content_type = _TYPES.guess_type(os.fsdecode(path))[0] or "application/octet-stream"
    if content_type.startswith("text/"):
        content_type += "; charset=utf-8"
    return Response(200, FileBody(file.fileno(), (0, size), file.close), content_type, SANDBOX)
