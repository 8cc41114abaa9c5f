"""The simulated badge, asked by the real esptool as a program of its own."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.tests.badge_simulator import (
    SERIAL,
    Badge,
    Fault,
    Kind,
    NorFlash,
    Slot,
    Trouble,
    draw,
    mac_of,
    slots,
)
from ansible_collections.nixvegas.noc.tests.badge_simulator.boot import switch_on
from ansible_collections.nixvegas.noc.tests.badge_simulator.firmware import pieces

CHECKOUT = Path(__file__).parents[2]
RANDOM = random.Random(1).randbytes(30_000)


@pytest.fixture
def slot(tmp_path: Path) -> Iterator[Slot]:
    with slots(tmp_path, 1) as (slot,):
        yield slot


def esptool(slot: Slot, *arguments: str | Path, fails: bool = False) -> str:
    """What esptool prints."""
    command = [sys.executable, "-m", "esptool", "--port", slot.port, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert bool(result.returncode) is fails, result.stdout + result.stderr
    return result.stdout


@pytest.mark.parametrize("loader", [(), ("--no-stub",)])
@pytest.mark.parametrize("compression", ["--compress", "--no-compress"])
def test_what_is_written_is_there(slot: Slot, tmp_path: Path, loader: tuple[str, ...], compression: str) -> None:
    (tmp_path / "x").write_bytes(RANDOM + bytes(10_000))
    badge = Badge(flash=NorFlash(content=bytes(1 << 20)))
    slot.plug(badge)
    output = esptool(slot, *loader, "write-flash", compression, "0x10000", tmp_path / "x")
    assert "Hash of data verified." in output
    assert badge.flash.read(0x10000, 40_000) == RANDOM + bytes(10_000)
    assert badge.flash.read(0xF000, 0x1000) == bytes(0x1000)
    assert "digest matched" in esptool(slot, *loader, "verify-flash", "0x10000", tmp_path / "x")
    badge.flash.flip(0x10000 + 29_999)
    esptool(slot, *loader, "verify-flash", "0x10000", tmp_path / "x", fails=True)


def test_what_is_there_is_read(slot: Slot, tmp_path: Path) -> None:
    slot.plug(Badge(flash=NorFlash(content=RANDOM)))
    esptool(slot, "read-flash", "0x10", "25000", tmp_path / "read")
    assert (tmp_path / "read").read_bytes() == RANDOM[0x10 : 0x10 + 25_000]


def test_regions_and_all_are_erased(slot: Slot) -> None:
    badge = Badge(flash=NorFlash(content=bytes(1 << 16)))
    slot.plug(badge)
    esptool(slot, "erase-region", "0x2000", "0x1000")
    assert badge.flash.read(0x1FFF, 0x1002) == b"\0" + b"\xff" * 0x1000 + b"\0"
    esptool(slot, "erase-flash")
    assert set(badge.flash.memory) == {0xFF}


def test_each_badge_tells_its_own_mac(tmp_path: Path) -> None:
    with slots(tmp_path, 2) as table:
        for number, slot in enumerate(table):
            slot.plug(Badge(mac_of(number)))
        for number, slot in enumerate(table):
            assert f"60:55:f9:00:00:0{number}" in esptool(slot, "read-mac")


def test_security_is_told(slot: Slot) -> None:
    slot.plug(Badge(trouble=Trouble(secure_boot=True)))
    assert "Secure Boot: Enabled" in esptool(slot, "get-security-info")


def test_a_baud_rate_that_does_not_match_is_not_understood(slot: Slot) -> None:
    slot.plug(Badge(speed=SERIAL))
    assert "c8" in esptool(slot, "--baud", "921600", "flash-id")


def test_programming_clears_bits_only() -> None:
    flash = NorFlash(size=0x2000)
    flash.program(0x10, b"\xf0")
    flash.program(0x10, b"\x0f")
    assert flash.read(0x0F, 3) == b"\xff\x00\xff"
    flash.erase(0, 0x1000)
    assert flash.read(0x10, 1) == b"\xff"


@pytest.mark.parametrize(("offset", "size"), [(0x10, 0x1000), (0, 0x10), (0x2000, 0x1000)])
def test_erasing_takes_whole_sectors_of_the_flash(offset: int, size: int) -> None:
    with pytest.raises(ValueError, match="0x"):
        NorFlash(size=0x2000).erase(offset, size)


def test_a_stuck_bit_survives_erasing(slot: Slot, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(RANDOM)
    badge = Badge(trouble=Trouble((Fault(Kind.STUCK, 1),)))
    slot.plug(badge)
    for _ in range(2):
        esptool(slot, "write-flash", "0x10000", tmp_path / "x", fails=True)
    assert len(badge.flash.stuck) == 1


def test_faults_are_the_same_for_the_same_seed() -> None:
    assert [draw(1, number, 0.5) for number in range(50)] == [draw(1, number, 0.5) for number in range(50)]
    assert [draw(1, number, 0.5) for number in range(50)] != [draw(2, number, 0.5) for number in range(50)]
    assert {draw(1, number, 0.0) for number in range(50)} == {Trouble()}


@pytest.mark.parametrize(
    ("damaged", "stops_at"), [(0x100, "bootloader"), (0x8010, "partition table"), (0x10100, "app"), (0x9000, "")]
)
def test_a_damaged_badge_stops_where_it_is_damaged(damaged: int, stops_at: str) -> None:
    flash = NorFlash()
    for offset, data in pieces().items():
        flash.program(offset, data)
    assert switch_on(flash).stops_at == ""
    flash.flip(damaged)
    assert switch_on(flash).stops_at == stops_at


def test_the_command_line_puts_up_a_table(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.badge_simulator", "--count", "2", "--badges", "3", "--swap", "0"]
    table = subprocess.Popen(
        [*command, "--folder", str(tmp_path)], cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with table:
        assert table.stdout
        lines = [table.stdout.readline() for _ in range(2)]
        assert lines == [f"{tmp_path}/slot1 60:55:f9:00:00:01\n", f"{tmp_path}/slot2 60:55:f9:00:00:02\n"]
        esptool(Slot(tmp_path / "slot2"), "read-mac")
        assert table.stdout.readline() == f"{tmp_path}/slot2 60:55:f9:00:00:03\n"
        assert table.communicate()[0].startswith("60:55:f9:00:00:01 stops at the bootloader\n")
    assert table.returncode == 0
    assert {entry.name for entry in tmp_path.iterdir()} == {"firmware", "table.yml"}
