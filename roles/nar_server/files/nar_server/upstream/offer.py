# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An upstream's narinfo: read, and believed only when the upstream's own key signed it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from .. import base32
from ..path_info import PathInfo
from ..policy import well_formed
from ..signing import Verifier
from ..store_path import StorePath

COMPRESSIONS = ("none", "xz", "bzip2", "gzip", "zstd")
_HASH = re.compile(r"sha256:([0-9a-z]{52}|[0-9a-f]{64})")
_SIZE = re.compile(r"[1-9][0-9]{0,17}")
_CONTENT_ADDRESS = re.compile(r"[!-~]+")
_DIGEST_SIZE = 32
# All that is read of a narinfo. What else is in it is not kept: nobody signed it, and it may be long.
_FIELDS = ("StorePath", "URL", "Compression", "NarHash", "NarSize", "References", "Deriver", "Sig", "CA")
_MOST_TOLD, _MOST_QUOTED = 200, 80
# Each may have to be verified, also for each client that asks; a narinfo has one for each cache that it came through.
_MOST_SIGNATURES = 32


class UntrustedError(ValueError):
    """What an upstream said cannot be believed, or is no narinfo."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A path that an upstream has: ``url`` is where its NAR is, packed with ``compression``.

    ``text``: the lines of its narinfo that mean something here.
    """

    info: PathInfo
    url: str
    compression: str
    text: str


def brief(problem: object) -> str:
    """What an upstream said, or is wrong with it, as the journal tells it: not much of it, and on one line."""
    text = str(problem)
    if len(text) > _MOST_TOLD:
        text = f"{text[:_MOST_TOLD]}…"
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _digest(text: str) -> bytes:
    found = _HASH.fullmatch(text)
    if found is None:
        raise UntrustedError(f"NarHash {text!r} is not a SHA-256 hash")
    digits = found[1]
    return (
        base32.decode(digits, _DIGEST_SIZE)
        if len(digits) == base32.encoded_length(_DIGEST_SIZE)
        else bytes.fromhex(digits)
    )


def _lines(text: str) -> tuple[dict[str, str], list[str], str]:
    """Fields, signatures, and the lines of _FIELDS as they stand."""
    fields: dict[str, str] = {}
    signatures, kept = [], []
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if not colon or (name in fields and name != "Sig"):
            raise UntrustedError(f"{line[:_MOST_QUOTED]!r} is not a line of a narinfo, or is there twice")
        fields[name] = value.strip()
        if name in _FIELDS:
            kept.append(f"{line}\n")
        if name == "Sig":
            signatures.append(value.strip())
    if len(signatures) > _MOST_SIGNATURES:
        raise UntrustedError(f"it has more than {_MOST_SIGNATURES} signatures")
    return fields, signatures, "".join(kept)


def parse_offer(text: str, hash_part: str, store_dir: str, cache: str, keys: Sequence[Verifier]) -> Offer:
    """What a narinfo offers for ``hash_part``; ``cache`` is the upstream's address, ``keys`` are its own.

    Raises UntrustedError unless it is of that path, signed by one of the keys, and its NAR lies with the upstream.
    """
    fields, signatures, kept = _lines(text)
    try:
        path = StorePath.parse_full(fields["StorePath"], store_dir)
        references = {StorePath.parse(name) for name in fields.get("References", "").split()}
        deriver = fields.get("Deriver", "")
        info = PathInfo(
            path=path,
            nar_hash=_digest(fields["NarHash"]),
            nar_size=int(fields["NarSize"]) if _SIZE.fullmatch(fields["NarSize"]) else 0,
            references=tuple(sorted(references)),
            deriver=StorePath.parse(deriver) if deriver and deriver != "unknown-deriver" else None,
            signatures=tuple(signature.text for signature in well_formed(signatures)),
            content_address=fields.get("CA") or None,
        )
        url, compression = urljoin(f"{cache}/", fields["URL"]), fields.get("Compression") or "bzip2"
        same_origin = origin(url) == origin(cache)
    except KeyError as problem:
        raise UntrustedError(f"it has no {problem.args[0]}") from None
    except UntrustedError:
        raise
    except ValueError as problem:
        raise UntrustedError(str(problem)) from None
    if path.hash_part != hash_part:
        raise UntrustedError(f"it is of another path, {path}")
    if not info.nar_size:
        raise UntrustedError("its NAR size is not a number from 1")
    if info.content_address and not _CONTENT_ADDRESS.fullmatch(info.content_address):
        raise UntrustedError("its content address is malformed")
    if compression not in COMPRESSIONS:
        raise UntrustedError(f"{compression[:_MOST_QUOTED]!r} is not a compression known here")
    if not same_origin:
        raise UntrustedError(f"its NAR is not with the upstream but at {url}")
    fingerprint = info.fingerprint(store_dir)
    if not any(key.accepts(signature, fingerprint) for key in keys for signature in well_formed(info.signatures)):
        raise UntrustedError("no key of this upstream signed it")
    return Offer(info, url, compression, kept)
