# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role badge writes, compared with golden files, and what it has in common with the modules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml
from ansible_collections.nixvegas.noc.plugins.module_utils.badge import station
from packaging.requirements import Requirement

ROLE = Path(__file__).resolve().parents[3] / "roles/badge"
TABLES: dict[str, dict[str, Any]] = {
    "table": {"badge_slots": {"1": "1-1.1", "10": "1-1.2.4", "left-2": "2-3"}, "badge_users": ["ada", "grace"]},
    "nothing": {"badge_slots": {}, "badge_users": []},
}


def render(template: str, variables: dict[str, Any]) -> str:
    """A template's text, with the variables that the role sets itself."""
    own = yaml.safe_load((ROLE / "vars/main.yml").read_text(encoding="utf-8"))
    loader = jinja2.FileSystemLoader(ROLE / "templates")
    # As Ansible sets it up.
    environment = jinja2.Environment(
        loader=loader, undefined=jinja2.StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    )
    return environment.get_template(template).render(own | variables)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("name", ["badge.rules", "sysusers.conf"])
def test_rendered(table: str, name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"badge/{table}/{name}", render(f"{name}.j2", TABLES[table]))


def test_the_rules_name_what_the_modules_look_for() -> None:
    rules = render("badge.rules.j2", TABLES["table"])
    assert f'=="{station.VENDOR}"' in rules
    assert f'=="{station.PRODUCT}"' in rules
    assert f'SYMLINK+="{station.SLOTS}/' in rules


def test_every_package_is_pinned_and_esptool_is_one_that_is_tested() -> None:
    pinned = requirements(ROLE / "files/requirements.txt")
    assert all([specifier.operator for specifier in one.specifier] == ["=="] for one in pinned.values())
    (version,) = pinned["esptool"].specifier
    assert requirements(ROLE.parents[1] / "requirements-test.txt")["esptool"].specifier.contains(version.version)


def requirements(file: Path) -> dict[str, Requirement]:
    """The packages a file of pip's names."""
    lines = file.read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if not line.startswith(("#", "-"))]
    return {one.name: one for one in found}
