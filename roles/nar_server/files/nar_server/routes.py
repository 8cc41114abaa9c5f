# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a request's target asks for. Everything that is not exactly one of ours is nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass

from . import base32
from .store_path import HASH_LENGTH


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """``/nix-cache-info``."""


@dataclass(frozen=True, slots=True)
class Health:
    """``/health``."""


@dataclass(frozen=True, slots=True)
class Narinfo:
    """``/<hash part>.narinfo``."""

    hash_part: str


@dataclass(frozen=True, slots=True)
class Nar:
    """``/nar/<NAR hash>.nar?hash=<hash part>``, or ``/nar/<hash part>-<NAR hash>.nar`` as older servers wrote it."""

    hash_part: str
    nar_hash: str


Route = CacheInfo | Health | Narinfo | Nar

_OUT = rf"(?P<hash_part>[{base32.ALPHABET}]{{{HASH_LENGTH}}})"
_NAR_HASH = rf"(?P<nar_hash>[{base32.ALPHABET}]{{{base32.encoded_length(32)}}})"
_PATTERNS: tuple[tuple[re.Pattern[str], type[Route]], ...] = (
    (re.compile(rf"/{_OUT}\.narinfo"), Narinfo),
    (re.compile(rf"/nar/{_NAR_HASH}\.nar\?hash={_OUT}"), Nar),
    (re.compile(rf"/nar/{_OUT}-{_NAR_HASH}\.nar"), Nar),
    (re.compile(r"/nix-cache-info"), CacheInfo),
    (re.compile(r"/health"), Health),
)


def parse_target(target: str) -> Route | None:
    """The route of a request target as the client sent it, percent signs and all; None when there is none."""
    for pattern, route in _PATTERNS:
        if found := pattern.fullmatch(target):
            return route(**found.groupdict())
    return None
