# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Structures of Kea's configuration files from the variables of role dhcp. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Subnet = Mapping[str, Any]
"""An item of C(dhcp_subnets)."""

SECONDS_BETWEEN_TRIES = 5
TRIES_WITHOUT_END = 2**31 - 1
SECONDS_BETWEEN_CLEANUPS = 3600
DEFAULT_LEASE_SECONDS = 3600
DEFAULT_DNS_PORT = 53


def dhcp4(subnets: Sequence[Subnet], refused_names: Sequence[str] = (), dynamic_names: bool = True) -> dict[str, Any]:
    """Return the file of kea-dhcp4; with C(dynamic_names) it reports leases to kea-dhcp-ddns on this host."""
    server: dict[str, Any] = {
        "interfaces-config": {
            "interfaces": sorted({subnet["interface"] for subnet in subnets}),
            "re-detect": True,
            # An interface without link or address at the start is tried again.
            "service-sockets-max-retries": TRIES_WITHOUT_END,
            "service-sockets-retry-wait-time": SECONDS_BETWEEN_TRIES * 1000,
        },
        "control-socket": {"socket-type": "unix", "socket-name": "/run/kea/kea4-ctrl-socket"},
        "lease-database": {
            "type": "memfile",
            "persist": True,
            "name": "/var/lib/kea/kea-leases4.csv",
            "lfc-interval": SECONDS_BETWEEN_CLEANUPS,
        },
        "authoritative": True,
        "host-reservation-identifiers": ["hw-address"],
        "dhcp-ddns": {"enable-updates": dynamic_names, "server-ip": "127.0.0.1", "server-port": 53001},
        **_naming(),
        "subnet4": [_subnet(subnet, _refused_labels(subnet, subnets, refused_names)) for subnet in subnets],
        "loggers": [
            {
                "name": "kea-dhcp4",
                "severity": "INFO",
                "output-options": [{"output": "stdout", "pattern": "%-5p %m\n"}],
            }
        ],
    }
    return {"Dhcp4": server}


def ddns_domains(subnets: Iterable[Subnet], ddns: Mapping[str, Any], direction: str) -> list[dict[str, Any]]:
    """Return the zones that kea-dhcp-ddns updates: C(forward) of names, C(reverse) of addresses."""
    server = {"ip-address": ddns["server"], "port": ddns.get("port", DEFAULT_DNS_PORT)}
    zones = {_forward_zone(subnet) if direction == "forward" else subnet.get("reverse_zone") for subnet in subnets}
    return [
        {"name": f"{zone.rstrip('.')}.", "key-name": ddns["key_name"], "dns-servers": [server]}
        for zone in sorted(filter(None, zones))
    ]


def _naming() -> dict[str, Any]:
    """The server enters names, not the clients; a name in use is only changed by the client that has it."""
    return {
        "ddns-send-updates": True,
        "ddns-override-no-update": True,
        "ddns-override-client-update": True,
        "ddns-replace-client-name": "when-not-present",
        "ddns-generated-prefix": "dhcp",
        "ddns-update-on-renew": True,
        "ddns-conflict-resolution-mode": "check-with-dhcid",
        "hostname-char-replacement": "-",
    }


def _subnet(subnet: Subnet, refused: Iterable[str]) -> dict[str, Any]:
    return {
        "id": subnet["id"],
        "subnet": subnet["cidr"],
        "interface": subnet["interface"],
        "pools": [{"pool": subnet["pool"]}] if subnet.get("pool") else [],
        "valid-lifetime": subnet.get("lease_seconds", DEFAULT_LEASE_SECONDS),
        "ddns-qualifying-suffix": subnet["domain"],
        "hostname-char-set": _unwanted_in_names(refused),
        "option-data": _options(subnet),
        "reservations": [_reservation(reservation) for reservation in subnet.get("reservations") or []],
    }


def _options(subnet: Subnet) -> list[dict[str, str]]:
    values = {
        "routers": [subnet["router"]],
        "domain-name-servers": subnet.get("resolvers") or [],
        "ntp-servers": subnet.get("ntp_servers") or [],
        "domain-name": [subnet["domain"]],
        "domain-search": subnet.get("search") or [subnet["domain"]],
    }
    return [{"name": name, "data": ", ".join(data)} for name, data in values.items() if data]


def _reservation(reservation: Mapping[str, Any]) -> dict[str, str]:
    found = {"hw-address": reservation["mac"], "ip-address": reservation["address"]}
    return found | ({"hostname": reservation["hostname"]} if reservation.get("hostname") else {})


def _forward_zone(subnet: Subnet) -> str:
    return subnet.get("forward_zone") or str(subnet["domain"])


def _refused_labels(subnet: Subnet, subnets: Iterable[Subnet], refused_names: Iterable[str]) -> list[str]:
    """Refused names, unless they are reserved in this subnet, and what a client's full name may not have in it: it must
    not be a name of another subnet, whose clients would believe it."""
    foreign = {label for other in subnets for label in other["domain"].split(".")} - set(subnet["domain"].split("."))
    reserved = {reservation.get("hostname") for reservation in subnet.get("reservations") or []}
    return sorted(({*foreign, *refused_names}) - reserved)


def _unwanted_in_names(refused: Iterable[str]) -> str:
    """Kea applies this regular expression to every label of a name, and replaces what matches."""
    names = "|".join("".join(_either_case(character) for character in name) for name in refused)
    return "[^A-Za-z0-9-]" + (f"|^({names})$" if names else "")


def _either_case(character: str) -> str:
    return f"[{character.upper()}{character.lower()}]" if character.isalpha() else re.escape(character)
