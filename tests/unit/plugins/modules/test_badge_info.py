# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module that finds badges: a sysfs of the kernel's shape, and simulated badges behind its ports."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.nixvegas.noc.plugins.modules import badge_info
from ansible_collections.nixvegas.noc.tests.badge_simulator import ESP32_S3, Badge, Slot, Trouble, slots
from ansible_collections.nixvegas.noc.tests.unit.plugins.module_utils.badge.sysfs import Usb

Run = Callable[..., list[dict[str, Any]]]
MAC = "60:55:f9:00:00:01"


@pytest.fixture
def usb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Usb:
    usb = Usb(tmp_path)
    monkeypatch.setattr(badge_info, "SYSFS", usb.sysfs)
    monkeypatch.setattr(badge_info, "DEV", usb.dev)
    return usb


@pytest.fixture
def slot(tmp_path: Path, usb: Usb) -> Iterator[Slot]:
    """A badge's socket, and the terminal behind it."""
    usb.plug("1-1.4", serial=MAC.upper(), terminal="ttyACM0")
    usb.name_slot("4", "ttyACM0")
    with slots(tmp_path, 1) as (slot,):
        (usb.dev / "ttyACM0").unlink()
        (usb.dev / "ttyACM0").symlink_to(slot.port)
        yield slot


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def call(**options: Any) -> list[dict[str, Any]]:
        with patch_module_args(options), pytest.raises(SystemExit):
            badge_info.main()
        result = json.loads(capfd.readouterr().out)
        assert not result["changed"]
        badges: list[dict[str, Any]] = result["badges"]
        return badges

    return call


def test_badges_are_found_without_asking_them(run: Run, usb: Usb, slot: Slot) -> None:
    badge = Badge(MAC)
    slot.plug(badge)
    assert run() == [{"slot": "4", "socket": "1-1.4", "mac": MAC, "port": str(usb.dev / "ttyACM0")}]
    assert badge.commands == 0


def test_a_badge_says_what_it_is_and_is_started_again(run: Run, slot: Slot) -> None:
    slot.plug(Badge(MAC))
    for check in (False, True):
        (found,) = run(probe=True, _ansible_check_mode=check)
        assert found["probe"] == {
            "mac": MAC,
            "chip": "ESP32-C6FH4 (QFN32)",
            "revision": "v0.1",
            "flash_size": 4 * 1024 * 1024,
            "security": "open",
        }


@pytest.mark.parametrize(
    ("trouble", "security", "problem"),
    [
        (Trouble(secure_boot=True), "locked", "secure boot"),
        (Trouble(flash_encryption=True), "locked", "flash encryption"),
        (Trouble(chip_id=ESP32_S3), None, "badges have the ESP32-C6"),
    ],
)
def test_a_board_that_is_no_open_badge(
    run: Run, slot: Slot, trouble: Trouble, security: str | None, problem: str
) -> None:
    slot.plug(Badge(MAC, trouble=trouble))
    (found,) = run(probe=True)
    assert found["probe"].get("security") == security
    assert problem in found["probe"]["problem"]
    assert found["probe"]["advice"]


def test_a_badge_without_a_port_or_an_answer(run: Run, usb: Usb) -> None:
    usb.plug("1-1.1", serial=MAC)
    usb.plug("1-1.2", serial=MAC, terminal="ttyACM9")
    without, silent = run(probe=True)
    assert without["probe"]["problem"] == "the kernel has no serial port for it"
    assert "ttyACM9" in silent["probe"]["problem"]


def test_a_missing_esptool_is_said(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, usb: Usb
) -> None:
    monkeypatch.setattr(badge_info, "ESPTOOL_ERROR", "ImportError")
    with patch_module_args({"probe": True}), pytest.raises(SystemExit):
        badge_info.main()
    assert "/opt/nixvegas/badge/bin/python" in json.loads(capfd.readouterr().out)["msg"]
