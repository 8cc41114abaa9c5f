"""Something goes wrong at each command of an update: the badge ends right, and never starts a half of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.errors import LostBadgeError
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.flasher import flash
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.image import Firmware, Role
from ansible_collections.nixvegas.noc.tests.badge_simulator import Badge, Fault, Kind, NorFlash, Slot, Trouble, slots
from ansible_collections.nixvegas.noc.tests.badge_simulator.boot import switch_on
from ansible_collections.nixvegas.noc.tests.badges.conftest import holds, settings

AT_ONCE = 20
"""How many badges wait for their lost replies at the same time."""
OLD, NEW = settings("old"), settings("new")


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Slot]]:
    folder: Path = tmp_path_factory.mktemp("slots")
    with slots(folder, AT_ONCE) as made:
        yield made


@pytest.fixture(scope="module")
def before(places: list[Slot], older: Firmware) -> bytes:
    """The flash of a badge with the older firmware and settings."""
    badge = Badge()
    places[0].plug(badge)
    flash(places[0].port, older, OLD)
    assert switch_on(badge.flash).stops_at == ""
    return bytes(badge.flash.memory)


@pytest.fixture(scope="module")
def commands(places: list[Slot], firmware: Firmware, before: bytes) -> int:
    """How many commands an update takes that nothing disturbs."""
    badge = Badge(flash=NorFlash(content=before))
    places[0].plug(badge)
    flash(places[0].port, firmware, NEW)
    return badge.commands


def sha256_of(firmware: Firmware, role: Role) -> str:
    """As the image says it itself at its end."""
    return next(region.data[-32:].hex() for region in firmware.regions if region.role is role)


def at_each(commands: int, places: list[Slot], check: Callable[[Slot, int], object]) -> list[tuple[int, object]]:
    """What a check finds for each command, several slots at once."""

    def row(slot: Slot, numbers: range) -> list[tuple[int, object]]:
        return [(number, check(slot, number)) for number in numbers]

    numbers = [range(first, commands + 1, AT_ONCE) for first in range(1, AT_ONCE + 1)]
    with ThreadPoolExecutor(AT_ONCE) as volunteers:
        return sorted(found for found_here in volunteers.map(row, places, numbers) for found in found_here)


@pytest.mark.parametrize("kind", [Kind.DROP, Kind.NACK, Kind.BIT_ROT, Kind.WRONG_MD5, Kind.UNPLUG])
def test_one_fault_at_each_command_is_survived(
    kind: Kind, places: list[Slot], firmware: Firmware, before: bytes, commands: int
) -> None:
    def check(slot: Slot, number: int) -> bool:
        badge = Badge(flash=NorFlash(content=before), trouble=Trouble((Fault(kind, number, 0.05),)))
        slot.plug(badge)
        flash(slot.port, firmware, NEW)
        return holds(badge, firmware, NEW)

    assert at_each(commands, places, check) == [(number, True) for number in range(1, commands + 1)]


def test_pulled_off_for_good_at_each_command_it_starts_all_or_nothing(
    places: list[Slot], older: Firmware, firmware: Firmware, before: bytes, commands: int
) -> None:
    old_app, new_app = sha256_of(older, Role.APP), sha256_of(firmware, Role.APP)
    old_bootloader, new_bootloader = sha256_of(older, Role.BOOTLOADER), sha256_of(firmware, Role.BOOTLOADER)

    def check(slot: Slot, number: int) -> tuple[str, bool, bool]:
        badge = Badge(flash=NorFlash(content=before), trouble=Trouble((Fault(Kind.UNPLUG, number, None),)))
        slot.plug(badge)
        with pytest.raises(LostBadgeError):
            flash(slot.port, firmware, NEW, patience=0.0)
        start = switch_on(badge.flash)
        assert start.app in ("", old_app, new_app), number
        assert start.bootloader in ("", old_bootloader, new_bootloader), number
        if start.bootloader == new_bootloader:
            assert (start.stops_at, start.app, start.nvs) == ("", new_app, NEW), number
        slot.plug(Badge(badge.mac, flash=badge.flash))
        flash(slot.port, firmware, NEW)
        assert holds(badge, firmware, NEW), number
        return start.stops_at, start.app == new_app, start.bootloader == new_bootloader

    seen = {found for _number, found in at_each(commands, places, check)}
    # The old badge, one without a program, the new program under the old bootloader, one without a bootloader.
    assert seen >= {("", False, False), ("app", False, False), ("", True, False), ("bootloader", False, False)}
