"""Images against Espressif's generator (the PyPI package esp-idf-nvs-partition-gen), and read back after damage."""

from __future__ import annotations

import csv
import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterable
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.nvs import (
    PAGE_SIZE,
    PARTITION_SIZE,
    STRING_LENGTH,
    Entry,
    NvsError,
    Type,
    build,
    read,
    read_entries,
)
from esp_idf_nvs_partition_gen import nvs_partition_gen as espressif
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=15)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200)
VALUES = st.one_of(
    st.tuples(st.just(Type.U8), st.integers(0, 0xFF)),
    st.tuples(st.just(Type.U32), st.integers(0, 0xFFFFFFFF)),
    st.tuples(st.just(Type.STRING), TEXTS),
    st.tuples(st.just(Type.STRING), st.integers(0, STRING_LENGTH).map("x".__mul__)),
)
ENTRIES = st.dictionaries(st.tuples(NAMES, NAMES), VALUES, max_size=150).map(
    lambda table: [Entry(*name, *value) for name, value in table.items()]
)
CONFIG = [
    Entry("config", "boot_mesh", Type.U8, 1),
    Entry("config", "cache_priority", Type.U32, 40),
    Entry("config", "router_ssid", Type.STRING, "NixVegas"),
]
ENCODINGS = {kind: "string" if kind is Type.STRING else kind.name.lower() for kind in Type}


class Generator:
    """Espressif's generator, its partition in memory."""

    def __init__(self, size: int = PARTITION_SIZE) -> None:
        self.file = io.BytesIO()
        self.nvs = espressif.nvs_open(self.file, size - PAGE_SIZE, espressif.Page.VERSION2)

    def write(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self.value(entry.namespace, entry.key, ENCODINGS[entry.type], entry.value)

    def value(self, namespace: str, key: str, encoding: str, value: object) -> None:
        self.nvs.write_namespace(namespace)
        self.nvs.write_entry(key, value, encoding, self.nvs.get_namespace_idx())

    def image(self) -> bytes:
        espressif.nvs_close(self.nvs)
        return self.file.getvalue()


def generated(entries: Iterable[Entry], size: int = PARTITION_SIZE) -> bytes:
    generator = Generator(size)
    generator.write(entries)
    return generator.image()


@settings(deadline=None)
@given(ENTRIES, st.sampled_from([0x3000, 0x4000, 0x10000]))
def test_is_bit_identical_to_the_generator(entries: list[Entry], size: int) -> None:
    try:
        expected = generated(entries, size)
    except espressif.InsufficientSizeError:
        with pytest.raises(NvsError, match="pages; a partition of"):
            build(entries, size)
        return
    assert build(entries, size) == expected
    assert read_entries(expected) == entries


@pytest.mark.parametrize("count", range(118, 128))
def test_fills_pages_as_the_generator_does(count: int) -> None:
    numbers = [Entry("config", f"n{number}", Type.U8, number) for number in range(count)]
    text = Entry("config", "text", Type.STRING, "y" * 100)
    for entries in (numbers, [*numbers, text], [text, *numbers]):
        assert build(entries) == generated(entries)
        assert read(build(entries))["config"] == {entry.key: entry.value for entry in entries}


def test_has_the_generators_limit_of_a_string() -> None:
    longest = [Entry("config", "cache_cert", Type.STRING, "z" * STRING_LENGTH)]
    assert build(longest) == generated(longest)
    with pytest.raises(espressif.PageFullError):
        generated([Entry("config", "cache_cert", Type.STRING, "z" * (STRING_LENGTH + 1))])


def test_equals_the_generators_command(tmp_path: Path) -> None:
    table = tmp_path / "config.csv"
    table.write_text("key,type,encoding,value\nconfig,namespace,,\n", encoding="utf-8")
    with table.open("a", encoding="utf-8") as file:
        csv.writer(file).writerows([entry.key, "data", ENCODINGS[entry.type], entry.value] for entry in CONFIG)
    command = [sys.executable, "-m", "esp_idf_nvs_partition_gen", "generate", table.name, "nvs.bin", "0x3000"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert build(CONFIG) == (tmp_path / "nvs.bin").read_bytes()


@pytest.mark.parametrize("text", ["a,b", "#a", '"a"', " a ", "a\nb", ""])
def test_keeps_what_a_csv_file_would_lose(text: str) -> None:
    assert read(build([Entry("config", "router_ssid", Type.STRING, text)])) == {"config": {"router_ssid": text}}


def test_reads_all_integers() -> None:
    generator = Generator()
    values = {"u8": 255, "i8": -128, "u16": 65535, "i16": -5, "u32": 7, "i32": -7, "u64": 2**64 - 1, "i64": -(2**63)}
    for encoding, value in values.items():
        generator.value("numbers", encoding, encoding, value)
    assert read(generator.image()) == {"numbers": values}


def test_leaves_out_the_blobs_of_the_driver() -> None:
    generator = Generator(0x6000)
    generator.value("phy", "cal_data", "hex2bin", "5a" * 1904)
    generator.write(CONFIG)
    generator.value("nvs.net80211", "sta.pmk", "hex2bin", "21" * 5000)
    generator.value("nvs.net80211", "sta.chan", "u8", 6)
    assert read(generator.image()) == {
        "config": {"boot_mesh": 1, "cache_priority": 40, "router_ssid": "NixVegas"},
        "nvs.net80211": {"sta.chan": 6},
    }


def test_skips_an_erased_entry_and_takes_the_later_one() -> None:
    image = bytearray(build([Entry("config", f"k{number}", Type.U8, number) for number in range(3)]))
    image[32] &= 0b11_11_00_11  # k0, after the namespace
    assert read(bytes(image)) == {"config": {"k1": 1, "k2": 2}}


def test_takes_the_last_of_two() -> None:
    generator = Generator()
    generator.write([*CONFIG, *CONFIG[:1], Entry("config", "boot_mesh", Type.U8, 0)])
    assert read(generator.image())["config"]["boot_mesh"] == 0


def test_takes_the_newer_page_wherever_it_stands() -> None:
    old, new = build(CONFIG), bytearray(build([Entry("config", "boot_mesh", Type.U8, 0)]))
    struct.pack_into("<I", new, 4, 9)
    struct.pack_into("<I", new, 28, zlib.crc32(new[4:28], 0xFFFFFFFF))
    image = bytes(new[:PAGE_SIZE]) + old[: 2 * PAGE_SIZE]
    assert read(image) == {"config": {"boot_mesh": 0, "cache_priority": 40, "router_ssid": "NixVegas"}}


def test_a_namespace_that_stands_there_twice_is_one() -> None:
    generator = Generator()
    generator.write(CONFIG)
    generator.nvs.write_namespace_unsafe("config")
    generator.nvs.write_entry("boot_mesh", 0, "u8", generator.nvs.get_namespace_idx())
    found = read_entries(generator.image())
    assert [entry.value for entry in found if entry.key == "boot_mesh"] == [0]
    assert len(found) == len(CONFIG)


def test_tells_types_apart() -> None:
    entries = [Entry("config", "boot_mesh", Type.U32, 1)]
    assert read_entries(build(entries)) == entries != [Entry("config", "boot_mesh", Type.U8, 1)]


# The namespace, two numbers, a text's head, its bytes; the padding behind them is covered by no checksum.
@settings(deadline=None)
@given(st.integers(64, 64 + 32 * 4 + len("NixVegas\0") - 1), st.integers(0, 7))
def test_a_flipped_bit_loses_an_entry_and_changes_none(position: int, bit: int) -> None:
    image = bytearray(build(CONFIG))
    image[position] ^= 1 << bit
    whole = read(build(CONFIG))["config"]
    left = read(bytes(image)).get("config", {})
    assert left.items() < whole.items()


@settings(deadline=None)
@given(st.binary(max_size=3 * PAGE_SIZE))
def test_finds_nothing_in_noise(noise: bytes) -> None:
    assert read(noise) == {}


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, PAGE_SIZE - 1), st.integers(0, 255)), max_size=20))
def test_reads_damaged_pages_without_an_error(damage: list[tuple[int, int]]) -> None:
    image = bytearray(build(CONFIG))
    for position, value in damage:
        image[position] = value
    assert set(read(bytes(image))) <= {"config"}


def test_ignores_pages_that_are_damaged_or_given_up() -> None:
    for offset, value in ((0, 0xF0), (4, 0x07), (8, 0x00)):
        image = bytearray(build(CONFIG))
        image[offset] = value
        assert read(bytes(image)) == {}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([Entry("", "k", Type.U8, 0)], "the namespace ''; write 1 to 15"),
        ([Entry("config", "k" * 16, Type.U8, 0)], "the key 'kkkkkkkkkkkkkkkk'; write 1 to 15"),
        ([Entry("config", "ü", Type.U8, 0)], "the key 'ü'"),
        ([Entry("config", "k", Type.U8, 256)], "config/k: it is no integer from 0 to 255"),
        ([Entry("config", "k", Type.U32, -1)], "config/k: it is no integer from 0 to 4294967295"),
        ([Entry("config", "k", Type.U8, "1")], "config/k: it is no integer"),
        ([Entry("config", "k", Type.I8, 1)], "config/k: values of type I8 are only read"),
        ([Entry("config", "k", Type.STRING, 1)], "config/k: it is no text"),
        ([Entry("config", "k", Type.STRING, "a\0b")], "config/k: it is no text without NUL"),
        ([Entry("config", "k", Type.STRING, "\ud800")], "config/k: it has characters that UTF-8 cannot hold"),
        ([Entry("config", "k", Type.STRING, "é" * 2000)], "config/k: 4000 bytes; a string has 3967 at most"),
        ([CONFIG[0], CONFIG[0]], "config/boot_mesh is given twice"),
        ([Entry(f"n{number}", "k", Type.U8, 0) for number in range(255)], "more than 254 namespaces"),
        ([Entry("config", f"k{number}", Type.U8, 0) for number in range(252)], "need 3 pages; a partition of 0x3000"),
    ],
)
def test_refuses_what_cannot_be_stored(entries: list[Entry], message: str) -> None:
    with pytest.raises(NvsError, match=message):
        build(entries)


@pytest.mark.parametrize("size", [0, 0x1000, 0x2000, 0x3001])
def test_refuses_impossible_partitions(size: int) -> None:
    with pytest.raises(NvsError, match="NVS takes multiples of 0x1000, from 0x3000"):
        build([], size)


def test_says_no_value() -> None:
    assert "hunter2" not in repr(Entry("config", "router_passwd", Type.STRING, "hunter2"))
