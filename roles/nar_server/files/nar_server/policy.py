# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which paths are served and signed: the answer to "does anything vouch for this path?"."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, partial

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


class Paths(Enum):
    """Which paths there are: ``all``, those a trusted key signed, or those built or made on this machine."""

    ALL = "all"
    UPSTREAM = "upstream"
    BUILT = "built"


@dataclass(frozen=True, slots=True)
class Vouchers:
    """What vouches for a path: ``built`` here, ``signed_by`` trusted keys of these names, ``content_addressed``."""

    built: bool = False
    signed_by: tuple[str, ...] = ()
    content_addressed: bool = False

    def __bool__(self) -> bool:
        """Whether anything does."""
        return self.built or bool(self.signed_by) or self.content_addressed


def _no_signatures() -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class Decision:
    """What to serve of a path. ``withheld``: it is not signed for want of a voucher; ``hidden``: it is not to be served
    at all; ``elsewhere``: since it belongs to another view; ``sign`` makes the signatures, when they are asked for."""

    sign: Callable[[], tuple[str, ...]] = _no_signatures
    withheld: bool = False
    hidden: bool = False
    elsewhere: bool = False
    vouchers: Vouchers = Vouchers()

    @cached_property
    def signatures(self) -> tuple[str, ...]:
        """As they stand in the narinfo."""
        return self.sign()


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
    """Decides which paths are served, and which signatures they leave with."""

    def __init__(
        self,
        mode: Mode,
        store_dir: str,
        signers: Sequence[Signer],
        trusted: Sequence[Verifier],
        paths: Paths = Paths.ALL,
    ) -> None:
        self.mode = mode
        self._store_dir = store_dir
        self._signers = tuple(signers)
        self._trusted = tuple(trusted)
        self.paths = paths

    def decide(self, info: PathInfo) -> Decision:
        """The decision for one path.

        A path is vouched for when this machine built it, a trusted key signed it, or its content address is right.
        ``vouched`` signs those and serves the others with their stored signatures; ``hide`` does not serve the others;
        ``all`` signs everything; ``none`` signs nothing.
        """
        stored = well_formed(info.signatures)
        vouchers = self._vouchers(info, stored)
        if not self._belongs(vouchers, stored):
            return Decision(hidden=True, elsewhere=True, vouchers=vouchers)
        if self.mode is Mode.NONE:
            return Decision(partial(self.passed_on, info), vouchers=vouchers)
        if self.mode is Mode.ALL or vouchers:
            return Decision(partial(self._stored_and_ours, info), vouchers=vouchers)
        return Decision(partial(self.passed_on, info), withheld=True, hidden=self.mode is Mode.HIDE)

    def passed_on(self, info: PathInfo) -> tuple[str, ...]:
        """The signatures a path came with, without those that carry our name and that we know we never made."""
        own = {signer.name: signer.verifier for signer in self._signers}
        fingerprint = info.fingerprint(self._store_dir)
        return tuple(
            signature.text
            for signature in well_formed(info.signatures)
            if signature.name not in own or own[signature.name].accepts(signature, fingerprint)
        )

    def _vouchers(self, info: PathInfo, stored: Sequence[Signature]) -> Vouchers:
        fingerprint = info.fingerprint(self._store_dir)
        trusted = [
            key.name for key in self._trusted if any(key.accepts(signature, fingerprint) for signature in stored)
        ]
        return Vouchers(info.ultimate, tuple(dict.fromkeys(trusted)), is_content_addressed(info, self._store_dir))

    def _belongs(self, vouchers: Vouchers, stored: Sequence[Signature]) -> bool:
        """Whether the path is one of this view's."""
        if self.paths is Paths.UPSTREAM:
            return bool(vouchers.signed_by)
        if self.paths is Paths.BUILT:
            # Sources and texts are not built, but what was built refers to them; fetched ones bring signatures along.
            made_here = vouchers.content_addressed and not stored
            return vouchers.built or bool(vouchers.signed_by) or made_here
        return True

    def _stored_and_ours(self, info: PathInfo) -> tuple[str, ...]:
        """The stored signatures, those under our names replaced by ours."""
        own = {signer.name for signer in self._signers}
        others = (signature.text for signature in well_formed(info.signatures) if signature.name not in own)
        fingerprint = info.fingerprint(self._store_dir)
        return (*others, *(signer.sign(fingerprint).text for signer in self._signers))
