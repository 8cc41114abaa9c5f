# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must not be shown: credentials inside of URLs, and who signs in. In doubt more is hidden than need be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "***"

# A colon that no port follows begins a password, which may hold whatever was not escaped, slashes and blanks too.
PASSWORD = re.compile(r"(://)[^\s/@:\[\]]*:(?![0-9]*(?:[^\w@%+=~!$&*-]|$))(?:\S*@|[^\n]*@|\S*)")
URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>\S*)")
PARAMETER = re.compile(
    r"([?&][^=&\s]*(?:token|password|passwd|secret|api[_-]?key|signature)[^=&\s]*=)[^&#\s\"']+", re.IGNORECASE
)


def without_credentials(text: str) -> str:
    """A text in which user names and passwords of URLs, and tokens in their queries, are replaced by asterisks.

    A login name alone stays in an SSH URL, where it is no secret: ssh://git@example.org/a.git.
    """
    return PARAMETER.sub(rf"\1{HIDDEN}", URL.sub(_without_user, PASSWORD.sub(_hidden, text)))


def _hidden(found: re.Match[str]) -> str:
    return f"{found[1]}{HIDDEN}{'@' if found[0].endswith('@') else ''}"


def _without_user(found: re.Match[str]) -> str:
    """A URL from its beginning to the next blank. An @ behind a host with a dot is of its path."""
    authority = re.split(r"[/?#]", found["rest"])[0]
    user, at, tail = found["rest"].rpartition("@")
    login = found["scheme"].endswith("ssh") and ":" not in user and "/" not in user
    of_path = "@" not in authority and (not authority or re.fullmatch(r"[^:]*\.[^:]*(:[0-9]+)?", authority))
    return found[0] if not at or login or of_path else f"{found['scheme']}://{HIDDEN}@{tail}"


def without_name(text: str, name: str | None) -> str:
    """A text without the name of who signs in, where it stands as a word of its own."""
    return re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", HIDDEN, text) if name else text


def shown(data: Any) -> Any:
    """Data as it may be shown: every text in it without credentials."""
    if isinstance(data, str):
        return without_credentials(data)
    if isinstance(data, Mapping):
        return {without_credentials(str(key)): shown(value) for key, value in data.items()}
    return [shown(item) for item in data] if isinstance(data, (list, tuple)) else data
