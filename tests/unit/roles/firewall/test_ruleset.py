# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ruleset that role firewall renders from molecule's variables; molecule sends packets through it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import jinja2
import yaml
from ansible_collections.nixvegas.noc.plugins.module_utils.nft.ruleset import Table, parse
from ansible_collections.nixvegas.noc.plugins.plugin_utils.nftables.firewall import firewall_rules

CHECKOUT = Path(__file__).resolve().parents[4]


def rendered(variables: dict[str, object]) -> str:
    """The ruleset of these variables, rendered as Ansible does."""
    arguments = {name.removeprefix("firewall_"): value for name, value in variables.items()}
    arguments["accept_input"] = arguments.pop("input", [])
    folder = jinja2.FileSystemLoader(CHECKOUT / "roles/firewall/templates")
    environment = jinja2.Environment(loader=folder, trim_blocks=True, keep_trailing_newline=True)
    return environment.get_template("firewall.nft.j2").render(__firewall_rules=firewall_rules(**arguments))


def test_all_variables(golden: Callable[[str, str], None]) -> None:
    """Every variable at work."""
    variables = yaml.safe_load((CHECKOUT / "extensions/molecule/firewall/vars/main.yml").read_text())
    ruleset = rendered(variables)
    golden("firewall/all.nft", ruleset)
    assert parse(ruleset) == (Table("inet", "nixvegas_firewall"),)


def test_no_variables(golden: Callable[[str, str], None]) -> None:
    """Without rules everything is dropped."""
    golden("firewall/none.nft", rendered({"firewall_zones": {"lan": ["eth1"]}}))


def test_no_path_by_an_uplink() -> None:
    """What the compiler makes of the example event: the router forwards nothing by an uplink, not even replies."""
    compiled = yaml.safe_load((CHECKOUT / "tests/golden/event/dc33/ghostgate.yml").read_text())
    ruleset = rendered({name: value for name, value in compiled.items() if name.startswith("firewall_")})
    paths = re.search(r"set permitted_paths \{.*?\}", ruleset, re.DOTALL)
    assert paths
    assert '"eth1" . "nebula1"' in paths.group()
    assert [name for name in compiled["firewall_zones"]["uplink"] if f'"{name}"' in paths.group()] == []
    assert "oifname @zone_uplink" not in ruleset
