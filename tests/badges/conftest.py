# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of many badges share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.badge import nvs
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.build import firmware_from_build
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.image import Firmware
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.settings import entries, parse
from ansible_collections.nixvegas.noc.tests.badge_simulator import Badge
from ansible_collections.nixvegas.noc.tests.badge_simulator.firmware import write_build

Holds = Callable[[Badge, Firmware, bytes], bool]


def settings(name: str) -> bytes:
    """The settings of one badge."""
    given = {
        "mode": "cache",
        "name": name,
        "router_ssid": "NixVegas",
        "router_passphrase": f"passphrase of {name}",
        "cache_upstream": "10.4.0.2",
    }
    return nvs.build(entries(parse(given)))


def holds(badge: Badge, firmware: Firmware, image: bytes) -> bool:
    """Whether the badge's flash has all of it, byte for byte."""
    return all(badge.flash.read(region.offset, len(region.data)) == region.data for region in firmware.with_nvs(image))


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_build(tmp_path_factory.mktemp("build"), app_size=40_000, seed=1)


@pytest.fixture(scope="session")
def firmware(build: Path) -> Firmware:
    return firmware_from_build(build)


@pytest.fixture(scope="session")
def older(tmp_path_factory: pytest.TempPathFactory) -> Firmware:
    """Another bootloader and program."""
    return firmware_from_build(write_build(tmp_path_factory.mktemp("older"), app_size=50_000, seed=2))
