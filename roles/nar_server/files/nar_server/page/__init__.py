# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The landing page: what a person sees who opens a cache's address in a browser."""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from string import Template

from ..keys import PublicKey

_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?|\[[0-9a-fA-F:.]+\](:[0-9]{1,5})?")
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_STEP = 1024
_KEY = Template('<li class="copied"><code>$key</code><button type="button" hidden>Copy</button></li>')
COUNTERS = {
    "paths": "Paths in the store",
    "narinfos": "Paths asked for",
    "nars": "Paths sent",
    "bytes": "Bytes sent",
}


@cache
def _asset(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


@cache
def security_policy() -> str:
    """The page's Content-Security-Policy: its own style and script, and nothing else."""

    def source(name: str) -> str:
        digest = hashlib.sha256(_asset(name).encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode()}'"

    return (
        f"default-src 'none'; style-src {source('landing.css')}; script-src {source('landing.js')}; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@dataclass(frozen=True, slots=True)
class Cache:
    """What the page tells of a cache. ``keys`` are its own; ``passes`` are keys whose signatures it passes on."""

    title: str
    store_dir: str
    prefix: str
    priority: int
    keys: Sequence[PublicKey]
    passes: Sequence[PublicKey]
    version: str


def base_url(host: str, proto: str, prefix: str) -> str:
    """The cache's address as this client reached it, from its Host and X-Forwarded-Proto if they are well-formed."""
    scheme = proto if proto in ("http", "https") else "http"
    return f"{scheme}://{host if _HOST.fullmatch(host) else 'THIS-HOST'}{prefix}"


def human(name: str, value: float) -> str:
    """A counter for people: ``12,345`` or ``3.2 GiB``."""
    if name != "bytes":
        return f"{value:,.0f}"
    step = 0
    while value >= _STEP and step < len(_UNITS) - 1:
        value, step = value / _STEP, step + 1
    return f"{value:.1f} {_UNITS[step]}" if step else f"{value:.0f} {_UNITS[step]}"


def _keys(cache: Cache) -> str:
    if not cache.keys:
        intro = "<p>This cache signs nothing itself: paths come with the signatures of those who built them.</p>"
    else:
        intro = ""
    listed = "".join(_KEY.substitute(key=escape(str(key))) for key in (*cache.keys, *cache.passes))
    return f'{intro}<ul class="keys">{listed}</ul>' if listed else intro


def _in_nix(text: str) -> str:
    """A text as a string of the language Nix."""
    return '"' + re.sub(r'(["\\]|\$(?=\{))', r"\\\1", text) + '"'


def render_landing(cache: Cache, url: str, counters: Mapping[str, float]) -> str:
    """The page's HTML."""
    keys = " ".join(str(key) for key in (*cache.keys, *cache.passes))
    lines = [f"extra-substituters = {url}", *([f"extra-trusted-public-keys = {keys}"] if keys else [])]
    quoted = " ".join(map(_in_nix, keys.split()))
    nixos = [f'nix.settings.extra-substituters = [ "{url}" ];']
    nixos += [f"nix.settings.extra-trusted-public-keys = [ {quoted} ];"] if keys else []
    once = f"--extra-substituters {url}" + (f" --extra-trusted-public-keys {shlex.quote(keys)}" if keys else "")
    return Template(_asset("landing.html")).substitute(
        title=escape(cache.title),
        style=_asset("landing.css"),
        script=_asset("landing.js"),
        lines=escape("\n".join(lines) + "\n"),
        nixos=escape("\n".join(nixos)),
        once=escape(once),
        keys=_keys(cache),
        counters="\n".join(
            f'<div><dt>{label}</dt><dd data-name="{name}">{human(name, counters.get(name, 0))}</dd></div>'
            for name, label in COUNTERS.items()
        ),
        store=escape(cache.store_dir),
        priority=cache.priority,
        prefix=escape(cache.prefix),
        version=escape(cache.version),
    )
