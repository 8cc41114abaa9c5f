"""The badges that a table finds on USB, by a sysfs of the kernel's shape: plugged, pulled, swapped; other devices."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.table.actions import Action, Job
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.table.assignment import Row
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.table.record import History
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.table.slot import GONE_AFTER, Slot, State
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.table.source import usb
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.table.table import Prepared, Success, Table
from ansible_collections.nixvegas.noc.tests.unit.plugins.module_utils.badge.sysfs import Usb

A, B = "60:55:f9:00:00:0a", "60:55:f9:00:00:0b"
SOCKETS = {"1": "1-1.1", "2": "1-1.2"}


@pytest.fixture
def machine(tmp_path: Path) -> Usb:
    return Usb(tmp_path)


def plug(machine: Usb, slot: str, mac: str, terminal: str) -> None:
    """A badge in a slot: as the kernel and the role's udev rules leave it."""
    machine.plug(SOCKETS[slot], serial=mac.upper(), terminal=terminal)
    machine.name_slot(slot, terminal)


def pull(machine: Usb, slot: str) -> None:
    machine.unplug(SOCKETS[slot])


def table() -> Table:
    prepared = {"": Prepared(b"image", "lights 1", "lights")}
    return Table([Slot(name) for name in SOCKETS], "fw 1", (), Row(""), prepared, History(), lambda: "now")


def jobs(actions: list[Action]) -> dict[str, str]:
    return {action.slot: action.mac for action in actions if isinstance(action, Job)}


def test_a_badge_is_found_by_its_slots_link_and_others_devices_are_not(machine: Usb) -> None:
    look = usb(machine.sysfs, machine.dev)
    machine.plug("1-1.3", vendor="1a86", product="7523", serial=A.upper(), terminal="ttyUSB0", name="USB Serial")
    assert look() == {}
    plug(machine, "1", A, "ttyACM0")
    assert {slot: (found.port, found.mac) for slot, found in look().items()} == {"1": (str(machine.dev / "badge/1"), A)}


def test_the_same_badge_plugged_in_again_has_another_token(machine: Usb) -> None:
    look = usb(machine.sysfs, machine.dev)
    plug(machine, "1", A, "ttyACM0")
    first = look()["1"]
    pull(machine, "1")
    assert look() == {}
    plug(machine, "1", A, "ttyACM1")
    again = look()["1"]
    assert (again.mac, again.port) == (first.mac, first.port)
    assert again.token != first.token


def test_two_badges_that_are_swapped_between_slots_are_known_there(machine: Usb) -> None:
    """They passed: in each other's slot they are done, and are not flashed again."""
    look, badges = usb(machine.sysfs, machine.dev), table()
    plug(machine, "1", A, "ttyACM0")
    plug(machine, "2", B, "ttyACM1")
    assert jobs(badges.see(look(), 0)) == {"1": A, "2": B}
    for slot, mac in (("1", A), ("2", B)):
        badges.answer(slot, Success(mac, ("app",), 10, 1.0), look()[slot], 1)
    assert [slot.state for slot in badges.slots] == [State.PASSED, State.PASSED]
    pull(machine, "1")
    pull(machine, "2")
    badges.see(look(), 2)
    badges.see(look(), 2 + GONE_AFTER)
    assert [slot.state for slot in badges.slots] == [State.EMPTY, State.EMPTY]
    plug(machine, "1", B, "ttyACM0")
    plug(machine, "2", A, "ttyACM1")
    assert jobs(badges.see(look(), 5)) == {}
    assert [(slot.state, slot.mac) for slot in badges.slots] == [(State.DONE, B), (State.DONE, A)]
