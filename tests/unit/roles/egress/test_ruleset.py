# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ruleset that role egress renders from molecule's variables; molecule sends packets through it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import jinja2
import yaml
from ansible_collections.nixvegas.noc.plugins.module_utils.nft.ruleset import Table, parse
from ansible_collections.nixvegas.noc.plugins.plugin_utils.nftables.egress import egress_rules

CHECKOUT = Path(__file__).resolve().parents[4]


def test_ruleset(golden: Callable[[str, str], None]) -> None:
    """Every variable at work."""
    variables = yaml.safe_load((CHECKOUT / "extensions/molecule/egress/vars/main.yml").read_text())
    arguments = {name.removeprefix("egress_"): value for name, value in variables.items()}
    folder = jinja2.FileSystemLoader(CHECKOUT / "roles/egress/templates")
    environment = jinja2.Environment(loader=folder, trim_blocks=True, keep_trailing_newline=True)
    ruleset = environment.get_template("egress.nft.j2").render(__egress_rules=egress_rules(**arguments))
    golden("egress/all.nft", ruleset)
    assert parse(ruleset) == (Table("inet", "nixvegas_egress"),)


def test_spare() -> None:
    """A host by which no network leaves forwards nothing outwards and masquerades nothing."""
    folder = jinja2.FileSystemLoader(CHECKOUT / "roles/egress/templates")
    environment = jinja2.Environment(loader=folder, trim_blocks=True, keep_trailing_newline=True)
    ruleset = environment.get_template("egress.nft.j2").render(__egress_rules=egress_rules("ens3", "nebula1", [], []))
    assert "masquerade" not in ruleset
    assert "ip saddr" not in ruleset
    assert parse(ruleset) == (Table("inet", "nixvegas_egress"),)
