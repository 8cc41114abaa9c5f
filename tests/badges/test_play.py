"""The variables with which the playbook flashes simulated badges."""

from __future__ import annotations

from pathlib import Path

import yaml
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.build import firmware_from_build
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.flasher import flash
from ansible_collections.nixvegas.noc.tests.badge_simulator import Badge, slots
from ansible_collections.nixvegas.noc.tests.badge_simulator.play import write_variables


def test_its_firmware_goes_to_its_ports(tmp_path: Path) -> None:
    with slots(tmp_path, 2) as table:
        table[1].plug(Badge())
        variables = yaml.safe_load(write_variables(tmp_path, table).read_text(encoding="utf-8"))
        outcome = flash(variables["badge_ports"][1], firmware_from_build(Path(variables["badge_firmware"])), None)
    assert "app" in outcome.written
    assert Path(variables["badge_python"]).exists()
