# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Nix knows of a valid path, and the text that is signed for it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from . import base32
from .store_path import StorePath

_HASH_PREFIX = "sha256:"
_STORED_HASH = re.compile(r"sha256:([0-9a-f]{64})")
_CONTENT_ADDRESS = re.compile(r"[!-~]+")


class MalformedRowError(ValueError):
    """A row of the database that cannot be served: something other than Nix wrote it, or it is broken."""


@dataclass(frozen=True, slots=True)
class PathInfo:
    """A valid path as the database describes it.

    ``nar_hash`` is the SHA-256 of the NAR, ``nar_size`` its bytes; ``references`` are sorted and without repetition;
    ``ultimate`` says that this machine built it; ``signatures`` are as stored, not yet looked at.
    """

    path: StorePath
    nar_hash: bytes
    nar_size: int
    references: tuple[StorePath, ...] = ()
    deriver: StorePath | None = None
    ultimate: bool = False
    signatures: tuple[str, ...] = ()
    content_address: str | None = None

    @property
    def nar_hash_base32(self) -> str:
        """The NAR's hash as narinfos and NAR addresses spell it, without ``sha256:``."""
        return base32.encode(self.nar_hash)

    def fingerprint(self, store_dir: str) -> bytes:
        """What a signature of this path signs (Nix's ValidPathInfo::fingerprint)."""
        references = ",".join(f"{store_dir}/{reference}" for reference in self.references)
        return f"1;{store_dir}/{self.path};{_HASH_PREFIX}{self.nar_hash_base32};{self.nar_size};{references}".encode()


def parse_row(
    store_dir: str,
    *,
    path: str,
    nar_hash: str,
    nar_size: int | None,
    references: Iterable[str],
    deriver: str | None,
    ultimate: int | None,
    signatures: str | None,
    content_address: str | None,
) -> PathInfo:
    """The path a row of ValidPaths and its references describe.

    Raises MalformedRowError unless the paths are store paths, the hash a SHA-256 in base 16 and the size positive.
    """
    try:
        # SQLite keeps a value of any type in any column.
        if any(not isinstance(text, str | None) for text in (nar_hash, deriver, signatures, content_address)):
            raise ValueError("one of its texts is none")
        hash_digits = _STORED_HASH.fullmatch(nar_hash)
        if hash_digits is None:
            raise ValueError(f"{nar_hash!r} is not a SHA-256 hash in base 16")
        if not isinstance(nar_size, int) or nar_size <= 0:
            raise ValueError(f"its NAR size is {nar_size}")
        if content_address and not _CONTENT_ADDRESS.fullmatch(content_address):
            raise ValueError(f"{content_address!r} is not a content address")
        return PathInfo(
            path=StorePath.parse_full(path, store_dir),
            nar_hash=bytes.fromhex(hash_digits[1]),
            nar_size=nar_size,
            references=tuple(sorted({StorePath.parse_full(reference, store_dir) for reference in references})),
            deriver=StorePath.parse_full(deriver, store_dir) if deriver else None,
            ultimate=ultimate == 1,
            signatures=tuple(signatures.split(" ")) if signatures else (),
            content_address=content_address or None,
        )
    except ValueError as problem:
        raise MalformedRowError(f"the row of {path} in Nix's database is malformed: {problem}") from problem
