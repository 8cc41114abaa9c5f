# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A directory of a store path as a page, for ``/serve``."""

from __future__ import annotations

import os
import stat
from html import escape
from urllib.parse import quote

from . import _asset, human


def render_directory(path: bytes, title: str) -> str:
    """The HTML of a directory's names, directories first. Raises OSError."""
    rows = []
    with os.scandir(path) as entries:
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            is_directory = stat.S_ISDIR(status.st_mode)
            name = entry.name.decode("utf-8", "replace") + ("/" if is_directory else "")
            size = human("bytes", status.st_size) if stat.S_ISREG(status.st_mode) else ""
            # A name may look like an address ("a:b"): "./" says that it is none.
            link = f"./{quote(entry.name)}{'/' if is_directory else ''}"
            row = f'<tr><td><a href="{link}">{escape(name)}</a></td><td>{size}</td></tr>'
            rows.append((not is_directory, entry.name, row))
    style = _asset("landing.css") + "td:last-child { text-align: right; padding-left: 2rem; color: var(--soft); }"
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head>'
        f'<body><main><h1>{escape(title)}</h1><table><tr><td><a href="../">../</a></td><td></td></tr>'
        + "".join(row for _order, _name, row in sorted(rows))
        + "</table></main></body></html>\n"
    )
