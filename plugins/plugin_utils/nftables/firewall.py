# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of a router's firewall from its zones and what is permitted between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from .matches import Matches, each, line

Rule = Mapping[str, Any]


class _Firewall(Matches):
    def __init__(self, zones: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        self._zones = zones
        self._zone_of: dict[str, str] = {}
        for zone, interfaces in zones.items():
            self.zone_name("firewall_zones", zone)
            for index, interface in enumerate(interfaces):
                where = f"firewall_zones.{zone}[{index}]"
                self.interface(where, interface)
                if interface in self._zone_of:
                    self._wrong(
                        where, interface, f"is in zone '{self._zone_of[interface]}' too; an interface has one zone"
                    )
                self._zone_of.setdefault(interface, zone)

    def _known(self, where: str, zone: object) -> bool:
        return self.one_of(where, zone, self._zones, "zone of firewall_zones")

    def _zones_of(self, where: str, rule: Rule) -> Iterator[str]:
        if not rule["zones"]:
            self._wrong(f"{where}.zones", rule["zones"], "names no zone; name one or remove the rule")
        for index, zone in enumerate(rule["zones"]):
            if self._known(f"{where}.zones[{index}]", zone):
                yield zone

    def interfaces(self, name: str, zones: Sequence[str]) -> list[str]:
        """The quoted interfaces of the zones that a variable lists."""
        known = [zone for index, zone in enumerate(zones) if self._known(f"{name}[{index}]", zone)]
        return [f'"{interface}"' for zone in known for interface in self._zones[zone]]

    def accept_input(self, where: str, rule: Rule) -> list[str]:
        """One line a zone: an optional protocol and its ports are accepted."""
        service, comment = self.service(where, rule), self.comment(where, rule)
        return [line(f"iifname @zone_{zone}", service, "accept", comment) for zone in self._zones_of(where, rule)]

    def _ends(self, where: str, rule: Rule) -> bool:
        known = [self._known(f"{where}.{end}", rule[end]) for end in ("from", "to")]
        return all(known)

    def accept_forward(self, where: str, rule: Rule) -> list[str]:
        """One line: new connections from one zone to another, perhaps to some destinations or services only."""
        destinations = rule.get("destinations") or []
        exceptions = rule.get("except_destinations") or []
        parts = (
            f"ip daddr {self.networks(f'{where}.destinations', destinations)}" if destinations else "",
            f"ip daddr != {self.networks(f'{where}.except_destinations', exceptions)}" if exceptions else "",
            self.service(where, rule),
            "accept",
            self.comment(where, rule),
        )
        if not self._ends(where, rule):
            return []
        return [line(f"iifname @zone_{rule['from']} oifname @zone_{rule['to']}", *parts)]

    def paths(self, forward: Sequence[Rule]) -> list[str]:
        """Pairs of interfaces between which packets of accepted connections may pass, in both directions."""
        pairs = set()
        for rule in forward:
            if rule["from"] in self._zones and rule["to"] in self._zones:
                there = {(source, target) for source in self._zones[rule["from"]] for target in self._zones[rule["to"]]}
                pairs |= there | {(target, source) for source, target in there}
        return [f'"{source}" . "{target}"' for source, target in sorted(pairs)]

    def redirect(self, accepted: Sequence[Rule], where: str, rule: Rule) -> list[str]:
        """One line a zone: what goes to this port, wherever to, is taken by the router itself."""
        if not self.one_of(f"{where}.protocol", rule["protocol"], ("tcp", "udp"), "protocol with ports"):
            return []
        port = self.ports(f"{where}.port", [rule["port"]])
        service = f"{rule['protocol']} dport {port}"
        zones = list(self._zones_of(where, rule))
        for zone in zones:
            if not any(_covers(other, zone, rule) for other in accepted):
                missing = f"{{zones: [{zone}], protocol: {rule['protocol']}, ports: [{rule['port']}]}}"
                why = f"is redirected to a port that is closed to it; add {missing} to firewall_input"
                self._wrong(f"{where}.zones", zone, why)
        target, comment = f"redirect to :{port}", self.comment(where, rule)
        return [line(f"iifname @zone_{zone} meta nfproto ipv4", service, target, comment) for zone in zones]

    def masquerade(self, where: str, rule: Rule) -> list[str]:
        """One line: packets from these sources leave the zone's interfaces with the interface's own address."""
        sources = self.networks(f"{where}.sources", rule["sources"])
        if not rule["sources"]:
            self._wrong(f"{where}.sources", rule["sources"], "names no network; name one or remove the rule")
        if not self._known(f"{where}.zone", rule["zone"]):
            return []
        return [f"oifname @zone_{rule['zone']} ip saddr {sources} masquerade"]


def _covers(rule: Rule, zone: str, redirected: Rule) -> bool:
    """Whether an input rule accepts what a zone's packets are redirected to."""
    ports = rule.get("ports") or []
    protocol = rule.get("protocol")
    spans = [str(port).partition("-") for port in ports]
    in_ports = not ports or any(int(low) <= int(redirected["port"]) <= int(high or low) for low, _dash, high in spans)
    return zone in rule["zones"] and protocol in (None, redirected["protocol"]) and in_ports


def firewall_rules(
    zones: Mapping[str, Sequence[str]],
    *,
    accept_input: Sequence[Rule] = (),
    forward: Sequence[Rule] = (),
    redirect: Sequence[Rule] = (),
    masquerade: Sequence[Rule] = (),
    uplink_zones: Sequence[str] = (),
    antispoof_zones: Sequence[str] = (),
) -> dict[str, Any]:
    """Lines of nft for the template of role firewall; the arguments are the role's variables of similar names.

    Raises RulesError that lists everything that is wrong.
    """
    firewall = _Firewall(zones)
    input_lines = each("firewall_input", accept_input, firewall.accept_input)
    forward_lines = each("firewall_forward", forward, firewall.accept_forward)
    masquerade_lines = each("firewall_masquerade", masquerade, firewall.masquerade)
    uplinks = firewall.interfaces("firewall_uplink_zones", uplink_zones)
    antispoof = firewall.interfaces("firewall_antispoof_zones", antispoof_zones)
    firewall.raise_if_wrong()
    redirect_lines = each("firewall_redirect", redirect, partial(firewall.redirect, accept_input))
    firewall.raise_if_wrong()
    return {
        "sets": [
            *(
                {"name": f"zone_{zone}", "type": "ifname", "members": [f'"{name}"' for name in names]}
                for zone, names in zones.items()
            ),
            {"name": "uplink_interfaces", "type": "ifname", "members": uplinks},
            {"name": "antispoof_interfaces", "type": "ifname", "members": antispoof},
            {"name": "permitted_paths", "type": "ifname . ifname", "members": firewall.paths(forward)},
        ],
        "input": input_lines,
        "forward": forward_lines,
        "redirect": redirect_lines,
        "masquerade": masquerade_lines,
    }
