"""Flashing simulated badges with the real esptool: what is written, what stays, what is refused, what is survived."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial
from ansible_collections.nixvegas.noc.plugins.module_utils.badge import nvs
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.build import firmware_from_build
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.errors import (
    BadgeError,
    FaultyFlashError,
    LostBadgeError,
    OtherBadgeError,
    OtherRevisionError,
    PortBusyError,
    PortError,
    SecuredError,
    SilentBadgeError,
    SmallFlashError,
    WrongChipError,
)
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.flasher import flash
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.image import Firmware, firmware_of
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.result import Phase, Progress
from ansible_collections.nixvegas.noc.tests.badge_simulator import (
    ESP32_S3,
    SERIAL,
    Badge,
    Fault,
    Kind,
    NorFlash,
    Slot,
    Trouble,
    mac_of,
    slots,
)
from ansible_collections.nixvegas.noc.tests.badge_simulator.firmware import image, write_build

PASSPHRASE = "correct horse battery"
ALL = ("app", "nvs", "partition-table", "bootloader")


def settings(ssid: str = "nixvegas", mesh: int = 1) -> bytes:
    """An image of settings."""
    return nvs.build(
        [
            nvs.Entry("config", "boot_mesh", nvs.Type.U8, mesh),
            nvs.Entry("config", "router_ssid", nvs.Type.STRING, ssid),
            nvs.Entry("config", "router_passwd", nvs.Type.STRING, PASSPHRASE),
        ]
    )


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> Firmware:
    return firmware_from_build(write_build(tmp_path_factory.mktemp("build")))


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Firmware:
    """The same bootloader and partition table, another program."""
    build = write_build(tmp_path_factory.mktemp("newer"), seed=1)
    write_build(tmp_path_factory.mktemp("app"), seed=2)
    program = write_build(tmp_path_factory.mktemp("app"), seed=2) / "nixbadge.bin"
    (build / "nixbadge.bin").write_bytes(program.read_bytes())
    return firmware_from_build(build)


@pytest.fixture
def slot(tmp_path: Path) -> Iterator[Slot]:
    with slots(tmp_path, 1) as (slot,):
        yield slot


def holds(badge: Badge, firmware: Firmware, image: bytes | None) -> bool:
    """Whether the badge's flash has all of it, byte for byte."""
    return all(badge.flash.read(region.offset, len(region.data)) == region.data for region in firmware.with_nvs(image))


def test_a_new_badge_gets_everything(slot: Slot, firmware: Firmware) -> None:
    badge = Badge(mac_of(7))
    slot.plug(badge)
    outcome = flash(slot.port, firmware, settings())
    assert holds(badge, firmware, settings())
    assert (outcome.mac, outcome.chip) == ("60:55:f9:00:00:07", "ESP32-C6FH4 (QFN32) (revision v0.1)")
    assert (outcome.written, outcome.kept, outcome.reconnects) == (ALL, (), 0)
    assert outcome.bytes_written == firmware.size + 0x3000
    assert outcome.changed


def test_a_right_badge_stays_as_it_is(slot: Slot, firmware: Firmware) -> None:
    badge = Badge()
    slot.plug(badge)
    flash(slot.port, firmware, settings())
    programmed, erased = badge.flash.programmed_bytes, badge.flash.erased_sectors
    outcome = flash(slot.port, firmware, settings())
    assert (outcome.written, outcome.kept, outcome.bytes_written, outcome.changed) == ((), ALL, 0, False)
    assert (badge.flash.programmed_bytes, badge.flash.erased_sectors) == (programmed, erased)


def test_only_a_new_program_is_written(slot: Slot, firmware: Firmware, newer: Firmware) -> None:
    badge = Badge()
    slot.plug(badge)
    flash(slot.port, firmware, settings())
    assert flash(slot.port, newer, settings()).written == ("app",)
    assert holds(badge, newer, settings())


def test_a_program_that_differs_far_from_its_start_is_written(slot: Slot, firmware: Firmware) -> None:
    badge = Badge()
    slot.plug(badge)
    flash(slot.port, firmware, settings())
    badge.flash.flip(0x10000 + 50_000)
    assert flash(slot.port, firmware, settings()).written == ("app",)
    assert holds(badge, firmware, settings())


def test_what_the_wifi_driver_wrote_beside_the_settings_is_no_difference(slot: Slot, firmware: Firmware) -> None:
    badge = Badge()
    slot.plug(badge)
    flash(slot.port, firmware, settings())
    entries = [*nvs.read_entries(settings()), nvs.Entry("nvs.net80211", "opmode", nvs.Type.U8, 1)]
    badge.flash.erase(0x9000, 0x3000)
    badge.flash.program(0x9000, nvs.build(entries))
    assert flash(slot.port, firmware, settings()).kept == ALL


def test_other_settings_are_written_and_told_without_the_passphrase(slot: Slot, firmware: Firmware) -> None:
    badge = Badge()
    slot.plug(badge)
    flash(slot.port, firmware, settings())
    outcome = flash(slot.port, firmware, settings(ssid="other", mesh=0))
    assert outcome.written == ("nvs",)
    assert outcome.settings == ("boot_mesh: 1 (u8) -> 0 (u8)", "router_ssid: 'nixvegas' -> 'other'")
    first = flash_anew(slot, firmware)
    assert PASSPHRASE not in first


def flash_anew(slot: Slot, firmware: Firmware) -> str:
    """All that is told of flashing a badge that never had settings."""
    slot.plug(Badge())
    told: list[Progress] = []
    outcome = flash(slot.port, firmware, settings(), on_progress=told.append)
    return f"{outcome} {outcome.result()} {told}"


def test_without_settings_those_of_the_badge_stay(slot: Slot, firmware: Firmware) -> None:
    badge = Badge()
    slot.plug(badge)
    badge.flash.program(0x9000, settings())
    assert flash(slot.port, firmware, None).written == ("app", "partition-table", "bootloader")
    assert badge.flash.read(0x9000, 0x3000) == settings()


def test_check_mode_writes_nothing_and_tells_the_same(slot: Slot, firmware: Firmware) -> None:
    badge = Badge()
    slot.plug(badge)
    foretold = flash(slot.port, firmware, settings(), check=True)
    assert (badge.flash.programmed_bytes, badge.flash.erased_sectors, foretold.bytes_written) == (0, 0, 0)
    done = flash(slot.port, firmware, settings())
    assert (foretold.written, foretold.kept, foretold.settings) == (done.written, done.kept, done.settings)


def test_progress_ends_with_all_bytes(slot: Slot, firmware: Firmware) -> None:
    slot.plug(Badge())
    told: list[Progress] = []
    flash(slot.port, firmware, settings(), on_progress=told.append)
    assert [told[0].phase, told[1].phase, told[-1].phase] == [Phase.CONNECT, Phase.COMPARE, Phase.DONE]
    written = [progress.done for progress in told if progress.phase is Phase.WRITE]
    assert written == sorted(written)
    assert written[-1] == told[-1].done == told[-1].total == firmware.size + 0x3000


def test_a_listener_that_fails_is_not_taken_for_a_broken_line(slot: Slot, firmware: Firmware) -> None:
    def tell(progress: Progress) -> None:
        if progress.phase is Phase.WRITE:
            raise BrokenPipeError

    badge = Badge()
    slot.plug(badge)
    with pytest.raises(RuntimeError, match=r"on_progress failed: BrokenPipeError"):
        flash(slot.port, firmware, settings(), on_progress=tell)
    assert flash(slot.port, firmware, settings()).written == ALL


def test_a_baud_rate_is_agreed_upon(slot: Slot, firmware: Firmware) -> None:
    badge = Badge(speed=SERIAL)
    slot.plug(badge)
    assert flash(slot.port, firmware, settings(), baud=921600).written == ALL


@pytest.mark.parametrize(
    ("trouble", "kind", "words"),
    [
        (Trouble(chip_id=ESP32_S3), WrongChipError, "it has the chip ESP32-S3; badges have the ESP32-C6"),
        (Trouble(secure_boot=True), SecuredError, "secure boot"),
        (Trouble(secure_download=True), SecuredError, "secure download mode"),
        (Trouble(flash_encryption=True), SecuredError, "flash encryption"),
    ],
)
def test_a_board_that_must_not_be_flashed_is_left_alone(
    slot: Slot, firmware: Firmware, trouble: Trouble, kind: type[BadgeError], words: str
) -> None:
    badge = Badge(trouble=trouble)
    slot.plug(badge)
    with pytest.raises(kind, match=words) as error:
        flash(slot.port, firmware, settings())
    assert "put" in error.value.advice
    assert (badge.flash.programmed_bytes, badge.flash.erased_sectors) == (0, 0)


def test_a_small_flash_is_refused(slot: Slot, tmp_path: Path) -> None:
    firmware = firmware_from_build(write_build(tmp_path / "build", app_size=2_000_000))
    badge = Badge(flash=NorFlash(size=1 << 20))
    slot.plug(badge)
    with pytest.raises(SmallFlashError, match="has 1048576 bytes; app"):
        flash(slot.port, firmware, settings())
    assert badge.flash.programmed_bytes == 0


def test_firmware_for_other_revisions_is_refused_before_anything_is_written(slot: Slot) -> None:
    pieces = [("app", 0x10000, image(5000, 1)), ("bootloader", 0x0, image(5000, 2, revisions=(2, 99)))]
    badge = Badge()
    slot.plug(badge)
    with pytest.raises(OtherRevisionError, match=r"has the revision 0\.01; bootloader .* is for 0\.02 to 0\.99"):
        flash(slot.port, firmware_of("x", pieces), None)
    assert badge.flash.programmed_bytes == 0


def test_another_badge_than_expected_is_left_alone(slot: Slot, firmware: Firmware) -> None:
    badge = Badge(mac_of(2))
    slot.plug(badge)
    with pytest.raises(OtherBadgeError, match=r"badge 60:55:f9:00:00:02 is there in place of 60:55:f9:00:00:01"):
        flash(slot.port, firmware, settings(), expected_mac="60:55:F9:00:00:01")
    assert badge.flash.programmed_bytes == 0


def test_an_empty_slot_is_told(slot: Slot, firmware: Firmware) -> None:
    with pytest.raises(PortError, match=r"slot1: cannot be opened \(ENOENT\)"):
        flash(slot.port, firmware, settings())


def test_a_port_in_use_is_told(slot: Slot, firmware: Firmware) -> None:
    slot.plug(Badge())
    with serial.Serial(slot.port, exclusive=True), pytest.raises(PortBusyError, match="EAGAIN"):
        flash(slot.port, firmware, settings())


def test_a_silent_port_is_told(tmp_path: Path, firmware: Firmware) -> None:
    master, slave = os.openpty()
    try:
        with pytest.raises(SilentBadgeError) as error:
            flash(os.ttyname(slave), firmware, settings())
    finally:
        os.close(master)
        os.close(slave)
    assert "button" in error.value.advice


def test_a_bit_that_rots_is_written_again(slot: Slot, firmware: Firmware) -> None:
    badge = Badge(trouble=Trouble((Fault(Kind.BIT_ROT, 85),)))
    slot.plug(badge)
    outcome = flash(slot.port, firmware, settings())
    assert holds(badge, firmware, settings())
    assert outcome.reconnects == 1
    assert outcome.bytes_written > firmware.size


def test_a_stuck_bit_is_told(slot: Slot, firmware: Firmware) -> None:
    badge = Badge(trouble=Trouble((Fault(Kind.STUCK, 85),)))
    slot.plug(badge)
    with pytest.raises(FaultyFlashError, match=r"region app .* still differs after 3 writes") as error:
        flash(slot.port, firmware, settings())
    assert "put it aside" in error.value.advice


def test_a_badge_that_never_comes_back_is_told(slot: Slot, firmware: Firmware) -> None:
    slot.plug(Badge(trouble=Trouble((Fault(Kind.UNPLUG, 90, returns_after=None),))))
    with pytest.raises(LostBadgeError, match=r"did not come back within 0\.3 s"):
        flash(slot.port, firmware, settings(), patience=0.3)


def test_another_badge_that_comes_in_its_place_gets_nothing(slot: Slot, firmware: Firmware) -> None:
    other = Badge(mac_of(2))

    def swap(progress: Progress) -> None:
        if progress.phase is Phase.WRITE and progress.region == "nvs" and slot.badge is not other:
            slot.plug(other)

    slot.plug(Badge(mac_of(1)))
    with pytest.raises(OtherBadgeError):
        flash(slot.port, firmware, settings(), on_progress=swap)
    assert other.flash.programmed_bytes == 0
