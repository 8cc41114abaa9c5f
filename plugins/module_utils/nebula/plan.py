# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a host's Nebula certificate must be signed anew, and why: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import AddressValueError, IPv4Interface, IPv4Network, NetmaskValueError
from typing import Any

from .program import Certificate, NebulaError, Request, text_of

# A renewal that wins less than this is not worth a signature: it would be repeated on every run.
LEAST_GAIN = timedelta(days=1)


def request_of(
    name: str, address: str, groups: Sequence[str], subnets: Sequence[str], duration: timedelta | None = None
) -> Request:
    """The request, validated and normalised. :raises NebulaError: naming the option, its value and the right form."""
    if not name or any(character.isspace() for character in name):
        raise NebulaError(f"name: {name!r} is empty or has spaces; give the host's name")
    try:
        interface = IPv4Interface(address)
    except (AddressValueError, NetmaskValueError, ValueError) as error:
        raise NebulaError(f"address: {address!r} is no IPv4 address ({error}); write it like 10.6.7.1/16") from error
    if "/" not in address:
        raise NebulaError(f"address: {address!r} lacks the overlay's prefix length; write it like 10.6.7.1/16")
    for group in groups:
        if not group or "," in group or group != group.strip():
            raise NebulaError(f"groups: {group!r} is empty or has a comma or outer spaces; give one group an entry")
    networks = set()
    for subnet in subnets:
        try:
            networks.add(str(IPv4Network(subnet)))
        except (AddressValueError, NetmaskValueError, ValueError) as error:
            raise NebulaError(f"subnets: {subnet!r} is no IPv4 network ({error}); write it like 10.4.0.0/24") from error
    return Request(name, str(interface), tuple(sorted(set(groups))), tuple(sorted(networks)), duration)


def signing_ca(authorities: Sequence[Certificate], now: datetime) -> Certificate:
    """The CA that signs: the first of the file. :raises NebulaError: when it is none or not valid now."""
    first = authorities[0]
    if not first.is_ca:
        raise NebulaError(f"the certificate {first.name!r} is not a CA's; give the file that nebula_ca made")
    if first.not_after <= now:
        raise NebulaError(
            f"the CA {first.name!r} expired on {text_of(first.not_after)}; "
            "make a new one with nebula_ca and renew: true"
        )
    return first


def expected_end(request: Request, authority: Certificate, now: datetime) -> datetime:
    """The end of a certificate signed now: never later than a second before the CA's own, as nebula-cert has it."""
    latest = authority.not_after - timedelta(seconds=1)
    return latest if request.duration is None else min(latest, now + request.duration)


def bounded(request: Request, authority: Certificate, now: datetime) -> Request:
    """The request with no duration where the asked one would outlive the CA (nebula-cert refuses that)."""
    if request.duration is None or now + request.duration < authority.not_after - timedelta(minutes=1):
        return request
    return replace(request, duration=None)


def reasons_to_sign(
    request: Request,
    certificate: Certificate,
    *,
    public_key: str,
    authority: Certificate,
    now: datetime,
    renew_before: timedelta,
) -> list[str]:
    """Why the host needs a new certificate, one readable line each; none when the present one will do.

    `public_key` is the host's, in hexadecimal, empty when it has none that can be used.
    """
    reasons = []
    if public_key and certificate.public_key != public_key:
        reasons.append("the certificate belongs to another key than the host's")
    if certificate.issuer != authority.fingerprint:
        reasons.append(f"it was signed by another CA than {authority.name!r} ({authority.fingerprint[:16]}…)")
    for what, present, wanted in (
        ("name", certificate.name, request.name),
        ("address", ", ".join(certificate.addresses), request.address),
        ("groups", ", ".join(certificate.groups), ", ".join(request.groups)),
        ("subnets", ", ".join(certificate.subnets), ", ".join(request.subnets)),
    ):
        if present != wanted:
            reasons.append(f"{what}: {present or 'none'} becomes {wanted or 'none'}")
    if certificate.not_after - now < renew_before:
        gain = expected_end(request, authority, now) - certificate.not_after
        if gain >= LEAST_GAIN or certificate.not_after <= now:
            reasons.append(f"it expires on {text_of(certificate.not_after)}")
    return reasons


@dataclass(frozen=True)
class HostState:
    """What stands on the host.

    `public_key` is in hexadecimal, empty when there is no usable private key; `key_problem` then says why.
    `certificate` is None when there is none that can be read; `certificate_problem` then says why. `doubt` is why
    the CAs do not vouch for it. `wrong_modes` are readable lines.
    """

    public_key: str
    key_problem: str
    certificate: Certificate | None
    certificate_problem: str
    doubt: str
    trusts_authorities: bool
    wrong_modes: Sequence[str]

    @property
    def usable(self) -> bool:
        """Whether Nebula would start with what stands there."""
        return self.certificate is not None and self.certificate.public_key == self.public_key


@dataclass(frozen=True)
class Plan:
    """What is to be done on one host: why to sign, what else, and the certificate before and after."""

    reasons: list[str]
    other_changes: list[str]
    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def changed(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.reasons or self.other_changes)

    def diff(self, directory: str) -> dict[str, str]:
        """The certificate's fields, then why it changes and what else does, for people; never a key."""
        header = f"{directory} (Nebula certificate)"
        notes = [f"# {note}\n" for note in (*self.reasons, *self.other_changes)]
        return {
            "before_header": header,
            "after_header": header,
            "before": _readable(self.before),
            "after": _readable(self.after) + "".join(notes),
        }


def plan_of(
    request: Request, state: HostState, authorities: Sequence[Certificate], *, now: datetime, renew_before: timedelta
) -> Plan:
    """Compares what shall be with what is. :raises NebulaError: when the CA cannot sign."""
    authority = signing_ca(authorities, now)
    certificate = state.certificate
    reasons = [text for text in (state.key_problem, state.certificate_problem) if text]
    if certificate is not None:
        reasons += reasons_to_sign(
            request,
            certificate,
            public_key=state.public_key,
            authority=authority,
            now=now,
            renew_before=renew_before,
        )
    if state.doubt and not reasons:
        reasons.append(f"the CA does not vouch for it: {state.doubt}")
    other_changes = list(state.wrong_modes)
    if not state.trusts_authorities:
        other_changes.append("trusted CAs become: " + ", ".join(ca.fingerprint for ca in authorities))
    before = {} if certificate is None else certificate.fields()
    return Plan(reasons, other_changes, before, _announced(request, authority, now) if reasons else before)


def _announced(request: Request, authority: Certificate, now: datetime) -> dict[str, Any]:
    """The fields of a certificate that is yet to be signed."""
    return {
        "name": request.name,
        "address": request.address,
        "groups": list(request.groups),
        "subnets": list(request.subnets),
        "not_after": text_of(expected_end(request, authority, now)),
        "issuer": authority.fingerprint,
        "fingerprint": "(known once signed)",
    }


def _readable(fields: dict[str, Any]) -> str:
    lines = [f"{key}: {', '.join(value) if isinstance(value, list) else value}" for key, value in fields.items()]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def warnings_about(authority: Certificate, now: datetime, before: timedelta) -> list[str]:
    """What signing cannot mend: a CA that ends within `before`, and all its certificates with it."""
    if authority.not_after - now >= before:
        return []
    return [
        f"the Nebula CA {authority.name!r} expires on {text_of(authority.not_after)} and with it every certificate; "
        "make a new one with nebula_ca and renew: true"
    ]
