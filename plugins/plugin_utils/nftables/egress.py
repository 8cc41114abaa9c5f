# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of a rented server through which a site's traffic leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .matches import Matches, each, line


def egress_rules(
    public_interface: str, tunnel_interface: str, sources: Sequence[str], accept: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Matches and lines of nft for the template of role egress; the arguments are the role's variables.

    Without sources, as on a spare, the match `sources` is empty and the template lets nothing out.
    Raises RulesError that lists everything that is wrong.
    """
    matches = Matches()

    def accept_lines(where: str, rule: Mapping[str, Any]) -> list[str]:
        interface = rule.get("interface")
        incoming = f"iifname {matches.interface(f'{where}.interface', interface)}" if interface else ""
        return [line(incoming, matches.service(where, rule), "accept", matches.comment(where, rule))]

    result = {
        "public": matches.interface("egress_public_interface", public_interface),
        "tunnel": matches.interface("egress_tunnel_interface", tunnel_interface),
        "sources": matches.networks("egress_sources", sources) if sources else "",
        "accept": each("egress_accept", accept, accept_lines),
    }
    matches.raise_if_wrong()
    return result
