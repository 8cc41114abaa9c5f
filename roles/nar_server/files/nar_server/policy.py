# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which paths are signed: the answer to "does anything vouch for this path?"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from .content_address import is_content_addressed
from .keys import KeyFormatError, Signature
from .path_info import PathInfo
from .signing import Signer, Verifier


class Mode(Enum):
    """What happens to paths nothing vouches for: see ``SigningPolicy.decide``."""

    VOUCHED = "vouched"
    HIDE = "hide"
    ALL = "all"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to serve of a path: ``signatures`` as they stand in the narinfo; ``withheld``: it was not signed for want of
    a voucher; ``hidden``: it is not to be served at all."""

    signatures: tuple[str, ...]
    withheld: bool = False
    hidden: bool = False


def well_formed(signatures: Iterable[str]) -> list[Signature]:
    """The stored signatures that parse, each once, in their order. Nix refuses a narinfo with one that does not."""
    found: dict[str, Signature] = {}
    for text in signatures:
        try:
            found.setdefault(text, Signature.parse(text))
        except KeyFormatError:
            continue
    return list(found.values())


class SigningPolicy:
    """Decides which signatures a path leaves with."""

    def __init__(self, mode: Mode, store_dir: str, signers: Sequence[Signer], trusted: Sequence[Verifier]) -> None:
        self._mode = mode
        self._store_dir = store_dir
        self._signers = tuple(signers)
        self._trusted = tuple(trusted)

    def decide(self, info: PathInfo) -> Decision:
        """The decision for one path.

        A path is vouched for when this machine built it, a trusted key signed it, or its content address is right.
        ``vouched`` signs those and serves the others with their stored signatures; ``hide`` does not serve the others;
        ``all`` signs everything; ``none`` signs nothing.
        """
        fingerprint = info.fingerprint(self._store_dir)
        stored = well_formed(info.signatures)
        if self._mode is Mode.NONE:
            return Decision(self._stored_texts(stored, fingerprint))
        if self._mode is Mode.ALL or self._vouched(info, stored, fingerprint):
            ours = [signer.sign(fingerprint) for signer in self._signers]
            names = {signature.name for signature in ours}
            kept = [signature.text for signature in stored if signature.name not in names]
            return Decision((*kept, *(signature.text for signature in ours)))
        return Decision(self._stored_texts(stored, fingerprint), withheld=True, hidden=self._mode is Mode.HIDE)

    def _vouched(self, info: PathInfo, stored: Sequence[Signature], fingerprint: bytes) -> bool:
        return (
            info.ultimate
            or any(key.accepts(signature, fingerprint) for signature in stored for key in self._trusted)
            or is_content_addressed(info, self._store_dir)
        )

    def _stored_texts(self, stored: Sequence[Signature], fingerprint: bytes) -> tuple[str, ...]:
        """The stored signatures, without those that carry our name and that we know we never made."""
        own = {signer.name: signer.verifier for signer in self._signers}
        return tuple(
            signature.text
            for signature in stored
            if signature.name not in own or own[signature.name].accepts(signature, fingerprint)
        )
