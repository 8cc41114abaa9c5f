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


@dataclass(frozen=True, slots=True)
class NarinfoJson:
    """``/<hash part>.narinfo?json``."""

    hash_part: str


@dataclass(frozen=True, slots=True)
class Listing:
    """``/<hash part>.ls``: the files of a path."""

    hash_part: str


@dataclass(frozen=True, slots=True)
class Serve:
    """``/serve/<hash part>/<path>``: a file of a path. ``inner`` is as the client sent it, from its first slash on."""

    hash_part: str
    inner: str


@dataclass(frozen=True, slots=True)
class Log:
    """``/log/<base name>``: the log of a derivation's build, or of the build of an output."""

    base_name: str


@dataclass(frozen=True, slots=True)
class BuildTrace:
    """``/build-trace-v2/<derivation>/<output>.doi``, as Nix asks from 2.35."""

    derivation: str
    output: str


@dataclass(frozen=True, slots=True)
class Realisation:
    """``/realisations/<hash>!<output>.doi``, as Nix asks up to 2.34."""

    drv_hash: str
    output: str


@dataclass(frozen=True, slots=True)
class Landing:
    """``/``: a page for people."""


@dataclass(frozen=True, slots=True)
class Stats:
    """``/stats.json``: the counters of that page."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """``/metrics``, for Prometheus."""


@dataclass(frozen=True, slots=True)
class Version:
    """``/version``."""


Route = (
    CacheInfo
    | Health
    | Narinfo
    | Nar
    | NarinfoJson
    | Listing
    | Serve
    | Log
    | BuildTrace
    | Realisation
    | Landing
    | Stats
    | Metrics
    | Version
)

_OUT = rf"(?P<hash_part>[{base32.ALPHABET}]{{{HASH_LENGTH}}})"
_NAR_HASH = rf"(?P<nar_hash>[{base32.ALPHABET}]{{{base32.encoded_length(32)}}})"
_BASE_NAME = rf"[{base32.ALPHABET}]{{{HASH_LENGTH}}}-[0-9a-zA-Z+\-._?=]{{1,211}}"
_OUTPUT = r"(?P<output>[0-9a-zA-Z+\-._?=]{1,211})"
_PATTERNS: tuple[tuple[re.Pattern[str], type[Route]], ...] = (
    (re.compile(rf"/{_OUT}\.narinfo"), Narinfo),
    (re.compile(rf"/nar/{_NAR_HASH}\.nar\?hash={_OUT}"), Nar),
    (re.compile(rf"/nar/{_OUT}-{_NAR_HASH}\.nar"), Nar),
    (re.compile(r"/nix-cache-info"), CacheInfo),
    (re.compile(r"/health"), Health),
    (re.compile(rf"/{_OUT}\.narinfo\?json"), NarinfoJson),
    (re.compile(rf"/{_OUT}\.ls"), Listing),
    (re.compile(rf"/serve/{_OUT}(?P<inner>(?:/[!-~]*)?)"), Serve),
    (re.compile(rf"/log/(?P<base_name>{_BASE_NAME})"), Log),
    (re.compile(rf"/build-trace-v2/(?P<derivation>{_BASE_NAME})/{_OUTPUT}\.doi"), BuildTrace),
    # Some clients write the exclamation mark as it is, some as %21.
    (re.compile(rf"/realisations/(?P<drv_hash>sha256(?::|%3A)[0-9a-f]{{64}})(?:!|%21){_OUTPUT}\.doi"), Realisation),
    # What a link was sent with, such as ?utm_source=chat, is no part of what it is to.
    (re.compile(r"/(?:\?[!-~]*)?"), Landing),
    (re.compile(r"/stats\.json"), Stats),
    (re.compile(r"/metrics"), Metrics),
    (re.compile(r"/version"), Version),
)


def kind(route: type[Route]) -> str:
    """The name of a kind of route in metrics, such as ``narinfo_json``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", route.__name__).lower()


def parse_target(target: str) -> Route | None:
    """The route of a request target as the client sent it, percent signs and all; None when there is none."""
    for pattern, route in _PATTERNS:
        if found := pattern.fullmatch(target):
            return route(**found.groupdict())
    return None
