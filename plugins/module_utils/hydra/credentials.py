# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must not be shown: credentials inside of URLs, and who signs in. In doubt more is hidden than need be."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, quote_plus

HIDDEN = "***"

# Escape sequences of terminals, other control characters except line ends and tabs, and those that turn text around.
CONTROL = re.compile("\x1b\\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

# A colon that no port follows begins a password, which may hold whatever was not escaped, slashes and blanks too.
PASSWORD = re.compile(r"(:\\?/\\?/)[^\s/@:\[\]]*:(?![0-9]*(?:[^\w@%+=~!$&*-]|$))(?:\S*@|[^\n]*@|\S*)")
# The same without a scheme, where an @ tells it from a path; bounded, so that no long text is read time and again.
WITHOUT_SCHEME = re.compile(r"(?<![\w:/\\])(\\?/\\?/)[^\s/@:]{0,256}:[^\s@]{0,256}@")
# Tried only where such characters begin, as a word of n characters would else be read n times.
URL = re.compile(
    r"(?<![A-Za-z0-9+.-])(?P<before>[0-9+.-]*)(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)(?P<slashes>:\\?/\\?/)(?P<rest>\S*)"
)
PARAMETER = re.compile(r"(?<=[?&;#])[^=?&;#\s]*=|(?<=u0026)[^=?&;#\s]*=")
SECRET_PARAMETER = re.compile(
    r"token|passw|passphrase|secret|api[_-]?key|signature|auth|credential|(?:^|[_-])(?:key|sig|pass|pwd|pw|jwt)=",
    re.IGNORECASE,
)
VALUE = re.compile(r"[^&#\s\"']+")


def without_credentials(text: str) -> str:
    """A text in which user names and passwords of URLs, and tokens in their queries, are replaced by asterisks.

    A login name alone stays in an SSH URL, where it is no secret: ssh://git@example.org/a.git.
    """
    return _without_parameters(URL.sub(_without_user, WITHOUT_SCHEME.sub(_hidden, PASSWORD.sub(_hidden, text))))


def _hidden(found: re.Match[str]) -> str:
    return f"{found[1]}{HIDDEN}{'@' if found[0].endswith('@') else ''}"


def _without_user(found: re.Match[str]) -> str:
    """A URL from its beginning to the next blank. An @ behind a host with a dot is of its path."""
    authority = re.split(r"[/?#]", found["rest"])[0]
    user, at, tail = found["rest"].rpartition("@")
    login = found["scheme"].endswith("ssh") and ":" not in user and "/" not in user
    of_path = "@" not in authority and (not authority or re.fullmatch(r"[^:]*\.[^:]*(:[0-9]+)?", authority))
    if not at or login or of_path:
        return found[0]
    return f"{found['before']}{found['scheme']}{found['slashes']}{HIDDEN}@{tail}"


def _without_parameters(text: str) -> str:
    """A text without the values of secret parameters, in one pass: a single pattern takes minutes for a long text."""
    parts: list[str] = []
    done = 0
    for name in PARAMETER.finditer(text):
        if name.start() < done or not SECRET_PARAMETER.search(name[0]):
            continue
        if value := VALUE.match(text, name.end()):
            parts += [text[done : value.start()], HIDDEN]
            done = value.end()
    return "".join(parts) + text[done:]


def plain(text: str) -> str:
    """A text as it may go to a terminal: without escape sequences and other control characters."""
    return CONTROL.sub("", text)


def forms_of(secret: str) -> list[str]:
    """A secret as an answer may repeat it: as it is, or escaped as JSON, URLs and HTML do, longest first."""
    written = {secret, " ".join(secret.split()), json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    written |= {quoted(secret) for quoted in (quote, quote_plus)} | {quote(secret, safe="")}
    written |= {form.lower() for form in written if "%" in form or "\\u" in form}
    written |= {html.escape(form, quote=quotes) for form in written for quotes in (False, True)}
    written |= {form.replace("&#x27;", "&#39;") for form in written} | {json.dumps(form)[1:-1] for form in written}
    return sorted({plain(form) for form in written} - {""}, key=len, reverse=True)


def without_secret(text: str, secret: str | None) -> str:
    """A text without a secret, in whatever form of `forms_of`."""
    for form in forms_of(secret or ""):
        text = text.replace(form, HIDDEN)
    return text


def without_name(text: str, name: str | None) -> str:
    """A text without the name of who signs in, where it stands as a word of its own."""
    for form in forms_of(name or ""):
        text = re.sub(rf"(?<![\w-]){re.escape(form)}(?![\w-])", HIDDEN, text)
    return text


def shown(data: Any) -> Any:
    """Data as it may be shown: every text in it without credentials."""
    if isinstance(data, str):
        return without_credentials(data)
    if isinstance(data, Mapping):
        return {without_credentials(str(key)): shown(value) for key, value in data.items()}
    return [shown(item) for item in data] if isinstance(data, (list, tuple)) else data
