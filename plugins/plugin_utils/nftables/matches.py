# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nftables matches from plain values; everything that is wrong is collected, so that it is told at once."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

PROTOCOLS = ("tcp", "udp", "icmp")
HIGHEST_PORT = 65535
LONGEST_COMMENT = 127  # bytes, NFTNL_UDATA_COMMENT_MAXLEN less the closing zero
_INTERFACE = re.compile(r"[A-Za-z0-9_.:@-]{1,15}\Z")  # IFNAMSIZ less the closing zero
_ZONE = re.compile(r"[a-z][a-z0-9_-]{0,30}\Z")


class RulesError(ValueError):
    """Everything that is wrong with the values, one mistake a line."""


class Matches:
    """Makes matches; a wrong value becomes an entry of `errors` and an empty match."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def raise_if_wrong(self) -> None:
        """Raise RulesError with all mistakes."""
        if self.errors:
            raise RulesError("\n".join(self.errors))

    def _wrong(self, where: str, value: object, why: str) -> str:
        self.errors.append(f"{where}: {value!r} {why}")
        return ""

    def one_of(self, where: str, value: object, known: Iterable[str], what: str) -> bool:
        """Whether the value is one of those known; if not, the nearest is named in the error."""
        choices = list(known)
        if value in choices:
            return True
        near = difflib.get_close_matches(str(value), choices, 1)
        advice = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(choices) or 'none'}"
        self._wrong(where, value, f"is no {what}; {advice}")
        return False

    def zone_name(self, where: str, value: object) -> str:
        """The name of a zone, as part of a set's name."""
        if isinstance(value, str) and _ZONE.match(value):
            return value
        return self._wrong(where, value, "is no zone name; use lower-case letters, digits, '_' and '-', a letter first")

    def interface(self, where: str, value: object) -> str:
        """A quoted interface name."""
        if isinstance(value, str) and _INTERFACE.match(value):
            return f'"{value}"'
        return self._wrong(where, value, "is no interface name; it has at most 15 letters, digits and '_.:@-'")

    def networks(self, where: str, values: Sequence[object]) -> str:
        """IPv4 networks as a set; overlapping ones are merged, since nft refuses them."""
        networks = []
        for index, value in enumerate(values):
            try:
                networks.append(ipaddress.IPv4Network(str(value)))
            except ValueError as error:
                self._wrong(f"{where}[{index}]", value, f"is no IPv4 network: {error}")
        return _set(str(network) for network in ipaddress.collapse_addresses(networks))

    def _port_range(self, where: str, value: object) -> tuple[int, int] | None:
        first, _dash, last = str(value).partition("-")
        if first.isdigit() and (last.isdigit() or not _dash):
            low, high = int(first), int(last or first)
            if 0 < low <= high <= HIGHEST_PORT:
                return low, high
        self._wrong(where, value, "is no port; write 1 to 65535, or a range as '6000-6010'")
        return None

    def ports(self, where: str, values: Sequence[object]) -> str:
        """Ports and ranges of ports as a set, merged where they overlap."""
        merged: list[tuple[int, int]] = []
        ranges = [self._port_range(f"{where}[{index}]", value) for index, value in enumerate(values)]
        for low, high in sorted(found for found in ranges if found):
            if merged and low <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
            else:
                merged.append((low, high))
        return _set(str(low) if low == high else f"{low}-{high}" for low, high in merged)

    def service(self, where: str, rule: Mapping[str, Any]) -> str:
        """The match of a rule's protocol and ports; empty if it names no protocol."""
        protocol, ports = rule.get("protocol"), rule.get("ports") or []
        if protocol is None:
            if ports:
                self._wrong(f"{where}.ports", ports, "stands without a protocol; add protocol: tcp or protocol: udp")
            return ""
        if not self.one_of(f"{where}.protocol", protocol, PROTOCOLS, "protocol"):
            return ""
        if protocol == "icmp":
            if ports:
                self._wrong(f"{where}.ports", ports, "cannot be given with protocol: icmp; remove them")
            return "icmp type echo-request"
        if not ports:
            return f"meta l4proto {protocol}"
        return f"{protocol} dport {self.ports(f'{where}.ports', ports)}"

    def comment(self, where: str, rule: Mapping[str, Any]) -> str:
        """The comment of a rule; empty if it has none."""
        text = rule.get("comment")
        if not text:
            return ""
        if '"' in text or "\n" in text or len(text.encode()) > LONGEST_COMMENT:
            return self._wrong(
                f"{where}.comment",
                text,
                f"is no nftables comment; at most {LONGEST_COMMENT} bytes, no quotes, one line",
            )
        return f'comment "{text}"'


def each(
    name: str, rules: Sequence[Mapping[str, Any]], make: Callable[[str, Mapping[str, Any]], list[str]]
) -> list[str]:
    """The lines of all rules of a variable; `make` is told where a rule stands, for its errors."""
    return [line for index, rule in enumerate(rules) for line in make(f"{name}[{index}]", rule)]


def line(*parts: str) -> str:
    """A rule from its parts, of which some may be empty."""
    return " ".join(part for part in parts if part)


def _set(members: Iterable[str]) -> str:
    listed = list(members)
    return listed[0] if len(listed) == 1 else f"{{ {', '.join(listed)} }}"
