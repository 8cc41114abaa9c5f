# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The answers of all hosts, gathered from what `verify.yml` registered on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Variables = Mapping[str, Any]

ASKED = "verify_asked"  # registered on every host that was asked at all
LATER = ("verify_failover_asked", "verify_tried", "verify_recovered")
CAPTURED = "verify_captured"  # the router's answer; registered on every client, since one task serves them all


def given(variables: Variables, name: str) -> list[dict[str, Any]] | None:
    """What one task registered: its answers, or None when it gave none."""
    registered = variables.get(name)
    return registered.get("results") if isinstance(registered, Mapping) else None


def of_host(variables: Variables) -> list[dict[str, Any]] | None:
    """All answers of one host, None when it gave none at all."""
    first = given(variables, ASKED)
    later = [answer for name in LATER for answer in given(variables, name) or []]
    return None if first is None else [*first, *later]


def answers(hosts: Mapping[str, Variables]) -> dict[str, list[dict[str, Any]] | None]:
    """The answers by host, clients first; hosts that were not asked are left out."""
    asked = [name for name in hosts if ASKED in hosts[name]]
    gathered = {
        name: of_host(hosts[name]) for name in sorted(asked, key=lambda name: "verify_network" not in hosts[name])
    }
    for name in asked:
        if CAPTURED in hosts[name]:
            router = hosts[name]["verify_router"]
            gathered[router] = [*(gathered.get(router) or []), *(given(hosts[name], CAPTURED) or [])]
            break
    return gathered
