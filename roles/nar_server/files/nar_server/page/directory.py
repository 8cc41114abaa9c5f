# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A directory of a store path as a page, for ``/serve``."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from html import escape
from urllib.parse import quote

from . import _asset, human


def render_directory(path: bytes, title: str, *, parent: bool) -> Iterator[str]:
    """The HTML of a directory's names, directories first, in pieces. Raises OSError before the first of them.

    ``parent``: whether there is a page of the directory above.
    """
    names = []
    with os.scandir(path) as entries:
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            size = status.st_size if stat.S_ISREG(status.st_mode) else None
            names.append((not stat.S_ISDIR(status.st_mode), entry.name, size))
    names.sort()
    style = _asset("landing.css") + "td:last-child { text-align: right; padding-left: 2rem; color: var(--soft); }"
    yield (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head>'
        f"<body><main><h1>{escape(title)}</h1><table>"
    )
    if parent:
        yield '<tr><td><a href="../">../</a></td><td></td></tr>'
    for is_other, name, size in names:
        slash = "" if is_other else "/"
        text = escape(name.decode("utf-8", "replace"))
        # A name may look like an address ("a:b"): "./" says that it is none.
        link = f'<a href="./{quote(name)}{slash}">{text}{slash}</a>'
        yield f"<tr><td>{link}</td><td>{'' if size is None else human('bytes', size)}</td></tr>"
    yield "</table></main></body></html>\n"
