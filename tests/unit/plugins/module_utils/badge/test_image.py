"""Firmware: read from builds and lists, and refused before a badge is touched."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.build import firmware_from_build, firmware_from_regions
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.errors import FirmwareError
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.image import firmware_of
from ansible_collections.nixvegas.noc.tests.badge_simulator.firmware import image, partition_table, write_build

APP, BOOT, TABLE = image(5000, 1), image(3000, 2), partition_table()
S3 = image(5000, 3, chip_id=9)


@pytest.fixture
def build(tmp_path: Path) -> Path:
    return write_build(tmp_path / "build", app_size=5000)


def change(build: Path, edit: Callable[[Any], None]) -> Path:
    """Edit the build's flasher_args.json."""
    file = build / "flasher_args.json"
    arguments = json.loads(file.read_text())
    edit(arguments)
    file.write_text(json.dumps(arguments))
    return build


def test_a_build_is_written_program_first_and_bootloader_last(build: Path) -> None:
    firmware = firmware_from_build(build)
    assert firmware.name == "nixbadge"
    assert [(region.name, region.offset) for region in firmware.regions] == [
        ("app", 0x10000),
        ("partition-table", 0x8000),
        ("bootloader", 0x0),
    ]


def test_settings_are_written_after_the_program(build: Path) -> None:
    names = [region.name for region in firmware_from_build(build).with_nvs(b"\xff" * 0x3000)]
    assert names == ["app", "nvs", "partition-table", "bootloader"]


def test_a_list_of_regions_is_the_same_firmware(build: Path) -> None:
    files = {0x10000: "nixbadge.bin", 0x0: "bootloader/bootloader.bin", 0x8000: "partition_table/partition-table.bin"}
    listed = firmware_from_regions((offset, build / file) for offset, file in files.items())
    assert listed.digest == firmware_from_build(build).digest


def test_a_region_is_padded_to_words() -> None:
    (region,) = firmware_of("x", [("phy", 0xF000, b"12345")]).regions
    assert region.data == b"12345\xff\xff\xff"


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        pytest.param([], "it has no regions", id="nothing"),
        pytest.param([("app", 0x10000, b"")], 'region "app": it is empty', id="empty"),
        pytest.param([("app", 0x10200, APP)], "0x10200 is not a multiple of a sector, 0x1000", id="alignment"),
        pytest.param(
            [("phy", 0xF000, b"\1" * 0x1004)], '4 bytes too large; at 0x10000 partition "phy_init" ends', id="partition"
        ),
        pytest.param([("app", 0x10000, APP + bytes(3600 * 1024))], "too large; at 0x394000", id="app too large"),
        pytest.param(
            [("bootloader", 0x0, BOOT + bytes(0x8000))], "at 0x8000 the partition table begins", id="bootloader"
        ),
        pytest.param([("x", 0x3FF000, bytes(0x2000))], "the badge's flash ends at 0x400000", id="flash end"),
        pytest.param([("x", 0x3A0000, bytes(16))], "lies in no partition", id="no partition"),
        pytest.param([("app", 0x10000, b"\x7fELF" + bytes(60))], "this is none (it starts with 0x7f", id="ELF"),
        pytest.param(
            [("app", 0x10000, S3)], "built for the chip of id 9; badges have the ESP32-C6 (13)", id="wrong chip"
        ),
        pytest.param(
            [("nvs", 0x9000, bytes(0x3000)), ("more", 0xB000, bytes(16))],
            "region nvs (0x9000 to 0xc000) overlaps region more (0xb000 to 0xb010)",
            id="overlap",
        ),
        pytest.param([("app", 0x20000, APP)], 'its partition "factory" does, at 0x10000', id="app elsewhere"),
        pytest.param(
            [("table", 0x8000, b"# Name, Type, SubType, Offset, Size, Flags\n")],
            "not aa50; name the binary table",
            id="CSV",
        ),
        pytest.param([("table", 0x8000, b"\xff" * 0xC00)], "it is empty", id="empty table"),
        pytest.param(
            [("table", 0x8000, TABLE.replace(b"factory", b"Factory"))], "its MD5 does not match", id="damaged table"
        ),
    ],
)
def test_wrong_firmware_is_refused(pieces: list[tuple[str, int, bytes]], words: str) -> None:
    with pytest.raises(FirmwareError) as error:
        firmware_of("x", pieces)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("fields", "revisions"),
    [((0, 0, 99), (0, 99)), ((1, 0, 0), (100, 0xFFFF)), ((1, 0, 0xFFFF), (100, 0xFFFF)), ((0, 2, 0xFFFF), (2, 0xFFFF))],
)
def test_a_program_says_which_revisions_it_runs_on(fields: tuple[int, int, int], revisions: tuple[int, int]) -> None:
    (region,) = firmware_of("x", [("app", 0x10000, APP[:14] + struct.pack("<BHH", *fields) + APP[19:])]).regions
    assert region.revisions == revisions


def drop_files(arguments: Any) -> None:
    del arguments["flash_files"]


def other_chip(arguments: Any) -> None:
    arguments["extra_esptool_args"]["chip"] = "esp32s3"


def encrypt(arguments: Any) -> None:
    arguments["app"]["encrypted"] = "true"


def lose_a_file(arguments: Any) -> None:
    arguments["flash_files"]["0xf000"] = "phy.bin"


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (drop_files, "flasher_args.json: it has no 'flash_files'; ESP-IDF writes it otherwise"),
        (other_chip, "flasher_args.json: the firmware was built for esp32s3; badges have the ESP32-C6"),
        (encrypt, "flasher_args.json: app is to be encrypted"),
        (lose_a_file, "phy.bin: cannot be read: No such file or directory"),
    ],
)
def test_a_wrong_build_is_refused(build: Path, edit: Callable[[Any], None], words: str) -> None:
    with pytest.raises(FirmwareError) as error:
        firmware_from_build(change(build, edit))
    assert words in str(error.value)


def test_a_build_that_is_no_json_is_refused(build: Path) -> None:
    (build / "flasher_args.json").write_bytes(b"\xff")
    with pytest.raises(FirmwareError, match="it is no text; ESP-IDF writes it otherwise"):
        firmware_from_build(build)


def test_a_missing_build_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(
        FirmwareError, match=r"flasher_args.json: it is not there; name the folder that `idf.py build` filled"
    ):
        firmware_from_build(tmp_path)


def test_settings_of_another_size_are_refused(build: Path) -> None:
    with pytest.raises(FirmwareError, match="the image has 4096 bytes, the nvs partition 12288"):
        firmware_from_build(build).with_nvs(bytes(0x1000))


def test_firmware_with_settings_of_its_own_and_others_is_refused() -> None:
    firmware = firmware_of("x", [("nvs", 0x9000, b"\xff" * 0x3000)])
    with pytest.raises(FirmwareError, match="overlaps region nvs"):
        firmware.with_nvs(b"\xff" * 0x3000)
