# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a path's content address is right: the store path computed from it must be the path itself.

The rules are those of Nix's StoreDirConfig::makeFixedOutputPathFromCA.
"""

from __future__ import annotations

import hashlib

from . import base32
from .path_info import PathInfo

_DIGEST_SIZES = {"md5": 16, "sha1": 20, "sha256": 32, "sha512": 64}
_STORE_HASH_SIZE = 20


def _hash_part(kind: str, inner: str, store_dir: str, name: str) -> str:
    """The hash part of a store path: a SHA-256 over its description, folded to 20 bytes (makeStorePath)."""
    digest = hashlib.sha256(f"{kind}:{inner}:{store_dir}:{name}".encode()).digest()
    folded = bytearray(_STORE_HASH_SIZE)
    for position, byte in enumerate(digest):
        folded[position % _STORE_HASH_SIZE] ^= byte
    return base32.encode(bytes(folded))


def _parse_hash(text: str) -> tuple[str, str]:
    """Algorithm and base-16 digits of ``algorithm:digits``, the digits in base 32 or 16; ValueError otherwise."""
    algorithm, _unused, digits = text.partition(":")
    size = _DIGEST_SIZES.get(algorithm)
    if size is None:
        raise ValueError(f"unknown hash algorithm {algorithm!r}")
    data = bytes.fromhex(digits) if len(digits) == 2 * size else base32.decode(digits, size)
    return algorithm, data.hex()


def _with_references(kind: str, info: PathInfo, store_dir: str) -> str:
    """``kind`` followed by the references, the path itself as ``self`` (makeType)."""
    others = [f"{store_dir}/{reference}" for reference in info.references if reference != info.path]
    return ":".join([kind, *others, *(["self"] if info.path in info.references else [])])


def _expected_hash_part(info: PathInfo, store_dir: str) -> str:
    """The hash part that follows from the content address; ValueError when none does."""
    kind, _unused, rest = (info.content_address or "").partition(":")
    name = info.path.name
    if kind == "text":
        algorithm, digits = _parse_hash(rest)
        if algorithm != "sha256" or info.path in info.references:
            raise ValueError("a text is hashed by SHA-256 and does not refer to itself")
        return _hash_part(_with_references("text", info, store_dir), f"sha256:{digits}", store_dir, name)
    if kind != "fixed":
        raise ValueError(f"unknown kind of content address {kind!r}")
    method = next((prefix for prefix in ("r:", "git:") if rest.startswith(prefix)), "")
    algorithm, digits = _parse_hash(rest.removeprefix(method))
    if method == "r:" and algorithm == "sha256":
        # Of a path that does not contain its own hash, this is the NAR's hash; the fingerprint must say the same.
        if info.path not in info.references and digits != info.nar_hash.hex():
            raise ValueError("the content address is of another NAR")
        return _hash_part(_with_references("source", info, store_dir), f"sha256:{digits}", store_dir, name)
    if info.references:
        raise ValueError("only texts and NARs hashed by SHA-256 may have references")
    inner = hashlib.sha256(f"fixed:out:{method}{algorithm}:{digits}:".encode()).hexdigest()
    return _hash_part("output:out", f"sha256:{inner}", store_dir, name)


def is_content_addressed(info: PathInfo, store_dir: str) -> bool:
    """Whether the path has a content address and is the one that follows from it, its references and its name."""
    try:
        return info.content_address is not None and _expected_hash_part(info, store_dir) == info.path.hash_part
    except ValueError:
        return False
