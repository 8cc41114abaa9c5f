"""Badges found in a sysfs of the kernel's shape."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.station import Badge, find, slot_order

from .sysfs import Usb


@pytest.fixture
def usb(tmp_path: Path) -> Usb:
    return Usb(tmp_path)


def test_nothing_is_plugged_in(usb: Usb, tmp_path: Path) -> None:
    assert find(usb.sysfs, usb.dev) == []
    assert find(tmp_path / "none", tmp_path / "none") == []


def test_badges_are_told_from_other_devices(usb: Usb) -> None:
    usb.plug("1-1.4", serial="40:4C:CA:57:0A:1F", terminal="ttyACM0")
    usb.plug("1-1.3", vendor="1a86", product="7523", terminal="ttyUSB0", name="USB Serial")
    usb.plug("1-2", vendor="303a", product="4001", serial="40:4C:CA:00:00:01", terminal="ttyACM1", name="USB OTG")
    assert find(usb.sysfs, usb.dev) == [
        Badge(usb_path="1-1.4", slot="1-1.4", mac="40:4c:ca:57:0a:1f", port=str(usb.dev / "ttyACM0"))
    ]


def test_slots_have_the_names_that_udev_gave_and_their_order(usb: Usb) -> None:
    for number in (10, 9, 1):
        usb.plug(f"1-1.{number}", serial=f"40:4C:CA:57:0A:{number:02}", terminal=f"ttyACM{number}")
        usb.name_slot(str(number), f"ttyACM{number}")
    assert [(badge.slot, badge.mac[-2:]) for badge in find(usb.sysfs, usb.dev)] == [
        ("1", "01"),
        ("9", "09"),
        ("10", "10"),
    ]


def test_a_badge_without_a_driver_has_no_port(usb: Usb) -> None:
    usb.plug("1-1.1", serial="40:4C:CA:57:0A:1F")
    assert [(badge.port, badge.slot) for badge in find(usb.sysfs, usb.dev)] == [("", "1-1.1")]


@pytest.mark.parametrize("serial", [None, "", "123456", "40:4C:CA:57:0A"])
def test_a_serial_number_that_is_no_mac_is_none(usb: Usb, serial: str | None) -> None:
    usb.plug("1-1.1", serial=serial, terminal="ttyACM0")
    assert [badge.mac for badge in find(usb.sysfs, usb.dev)] == [""]


def test_a_badge_that_goes_away_meanwhile_is_left_out(usb: Usb) -> None:
    usb.plug("1-1.1", serial="40:4C:CA:57:0A:1F", terminal="ttyACM0")
    shutil.rmtree((usb.sysfs / "bus/usb/devices/1-1.1").resolve())
    assert find(usb.sysfs, usb.dev) == []


def test_slots_are_ordered_as_people_count() -> None:
    assert sorted(["2", "10", "1-1.10", "1-1.9", "left2", "left10"], key=slot_order) == [
        "1-1.9",
        "1-1.10",
        "2",
        "10",
        "left2",
        "left10",
    ]
