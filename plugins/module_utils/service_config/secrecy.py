# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep what is in secret files out of what programs said about them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.model import Entry, Request
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.plan import is_private

_SHORTEST_TOKEN = 6
_SEPARATORS = re.compile(r"""[\s'"`:;,={}\[\]()]+""")


def mask(text: str, secret: Iterable[bytes], public: Iterable[bytes]) -> str:
    """Return a text with C((secret)) for every token of the secret contents that no public content has.

    Tokens have at least six characters: the words between blanks, and their parts between quotes and punctuation.
    """
    tokens = _tokens(secret)
    if tokens:
        tokens -= _tokens(public)
    if not tokens:
        return text
    # The longest first, so that none is left in part because another one is its beginning.
    pattern = "|".join(re.escape(token) for token in sorted(tokens, key=lambda token: (-len(token), token)))
    return re.sub(pattern, "(secret)", text)


def secret_contents(request: Request, *states: Mapping[str, Entry]) -> set[bytes]:
    """Return what must not be quoted: secret files as wanted; in C(states), what is in their places or private."""
    secrets = {item.path: item.entry.content for item in request.wanted if item.secret}
    entries = (item for state in states for item in state.items())
    former = {entry.content for path, entry in entries if path in secrets or is_private(entry)}
    return {*secrets.values(), *former}


def public_contents(request: Request) -> set[bytes]:
    """Return what may be quoted: files that are not secret, and the paths and commands, which tasks show anyway."""
    applied, asked = (item.command for item in request.apply), (item.command for item in request.health)
    commands = (*request.checks, *applied, *asked)
    words = [*(item.path for item in request.wanted), *(word for command in commands for word in command)]
    return {*(item.entry.content for item in request.wanted if not item.secret), *(word.encode() for word in words)}


def _tokens(contents: Iterable[bytes]) -> set[str]:
    # Programs' output is decoded in the same way.
    texts = [content.decode(errors="replace") for content in contents]
    found = {token for text in texts for token in (*text.split(), *_SEPARATORS.split(text))}
    return {token for token in found if len(token) >= _SHORTEST_TOKEN}
