# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of ESP-IDF's non-volatile storage (NVS): a partition of typed key-value pairs, written and read.

The format is described in ESP-IDF's API reference, "Non-Volatile Storage Library", section "Internals". Of it, `build`
writes format version 2 with the types a badge needs, byte for byte as Espressif's esp-idf-nvs-partition-gen does.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum

PARTITION_SIZE = 0x3000
PAGE_SIZE = 0x1000
PAGE_ENTRIES = 126
KEY_LENGTH = 15
MAX_NAMESPACES = 254
# The generator leaves a page's last entry free after a string, so a string has 124 entries at most, of 32 bytes.
STRING_LENGTH = 124 * 32 - 1
"""How many bytes of UTF-8 a string can have."""

_ENTRY = 32
_BITMAP = 32
_FIRST_ENTRY = 64
_VERSIONS = (0xFE, 0xFF)
_ACTIVE, _FULL, _FREEING = 0xFFFFFFFE, 0xFFFFFFFC, 0xFFFFFFF8
_WRITTEN = 0b10
_NO_CHUNK = 0xFF
_NAMESPACES = 0


class NvsError(ValueError):
    """What cannot be stored, without the value."""


class Type(IntEnum):
    """The types of values, by their codes in the flash. Of these, `build` takes U8, U32 and STRING."""

    U8 = 0x01
    U16 = 0x02
    U32 = 0x04
    U64 = 0x08
    I8 = 0x11
    I16 = 0x12
    I32 = 0x14
    I64 = 0x18
    STRING = 0x21


_INTEGERS = {
    Type.U8: "<B",
    Type.U16: "<H",
    Type.U32: "<I",
    Type.U64: "<Q",
    Type.I8: "<b",
    Type.I16: "<h",
    Type.I32: "<i",
    Type.I64: "<q",
}
_MAXIMUM = {Type.U8: 0xFF, Type.U32: 0xFFFFFFFF}


@dataclass(frozen=True)
class Entry:
    """One key-value pair. Its representation leaves the value out, which may be a passphrase."""

    namespace: str
    key: str
    type: Type
    value: int | str = field(repr=False)


def build(entries: Iterable[Entry], size: int = PARTITION_SIZE) -> bytes:
    """The image of a partition that holds these entries, in this order.

    :param size: the partition's size in bytes, a multiple of 0x1000 from 0x3000; one page of it stays free.
    :raises NvsError: for what NVS cannot hold: a name, a value, a key given twice, or more than fits.
    """
    if size < PARTITION_SIZE or size % PAGE_SIZE:
        raise NvsError(f"a partition of {size:#x} bytes; NVS takes multiples of 0x1000, from {PARTITION_SIZE:#x}")
    pages = [_Page(0)]
    indices: dict[str, int] = {}
    seen: set[tuple[str, str]] = set()
    for entry in entries:
        _check(entry)
        if (entry.namespace, entry.key) in seen:
            raise NvsError(f"{entry.namespace}/{entry.key} is given twice")
        seen.add((entry.namespace, entry.key))
        if entry.namespace not in indices:
            if len(indices) == MAX_NAMESPACES:
                raise NvsError(f"more than {MAX_NAMESPACES} namespaces")
            indices[entry.namespace] = len(indices) + 1
            name = Entry("", entry.namespace, Type.U8, indices[entry.namespace])
            _append(pages, *_encode(_NAMESPACES, name))
        _append(pages, *_encode(indices[entry.namespace], entry))
    if len(pages) * PAGE_SIZE >= size:
        raise NvsError(
            f"the entries need {len(pages)} pages; a partition of {size:#x} bytes has {size // PAGE_SIZE - 1} for them"
        )
    return b"".join(bytes(page.image) for page in pages).ljust(size, b"\xff")


def read(image: bytes) -> dict[str, dict[str, int | str]]:
    """The values of an image by namespace and key.

    :param image: a partition's content, also one that a running badge has written to. What its firmware would not
        find is left out: erased and damaged entries and pages. Blobs are left out too. Of a key that stands there
        more than once (a move from page to page was interrupted), the last counts.
    """
    values: dict[str, dict[str, int | str]] = {}
    for entry in read_entries(image):
        values.setdefault(entry.namespace, {})[entry.key] = entry.value
    return values


def read_entries(image: bytes) -> list[Entry]:
    """The same with each value's type: the firmware does not find a key that has another type than it asks for.

    Each key is there once.
    """
    names: dict[int, str] = {}
    found: list[tuple[int, str, Type, int | str]] = []
    for page in _pages(image):
        for index, key, kind, value in _written(page):
            if index == _NAMESPACES and kind is Type.U8 and isinstance(value, int):
                names[value] = key
            else:
                found.append((index, key, kind, value))
    known = [(names[index], key, kind, value) for index, key, kind, value in found if index in names]
    return list(
        {(namespace, key): Entry(namespace, key, kind, value) for namespace, key, kind, value in known}.values()
    )


class _Page:
    """A page being written."""

    def __init__(self, number: int) -> None:
        self.image = bytearray(b"\xff" * PAGE_SIZE)
        self.used = 0
        struct.pack_into("<IIB", self.image, 0, _ACTIVE, number, _VERSIONS[0])
        struct.pack_into("<I", self.image, 28, _crc(bytes(self.image[4:28])))

    def append(self, content: bytes) -> None:
        start = _FIRST_ENTRY + self.used * _ENTRY
        self.image[start : start + len(content)] = content
        for _entry in range(len(content) // _ENTRY):
            # Of an entry's two bits, clearing the lower one means "written".
            self.image[_BITMAP + self.used // 4] &= ~(1 << self.used % 4 * 2)
            self.used += 1

    def close(self) -> None:
        struct.pack_into("<I", self.image, 0, _FULL)


def _append(pages: list[_Page], content: bytes, spare: int) -> None:
    if pages[-1].used + len(content) // _ENTRY + spare > PAGE_ENTRIES:
        pages[-1].close()
        pages.append(_Page(len(pages)))
    pages[-1].append(content)


def _encode(index: int, entry: Entry) -> tuple[bytes, int]:
    """An entry's content, and how many entries of its page must stay free after it."""
    payload = b""
    if isinstance(entry.value, str):
        text = entry.value.encode() + b"\0"
        data = struct.pack("<HHI", len(text), 0xFFFF, _crc(text))
        payload = text.ljust(-(-len(text) // _ENTRY) * _ENTRY, b"\xff")
    else:
        data = struct.pack(_INTEGERS[entry.type], entry.value).ljust(8, b"\xff")
    head = bytes([index, entry.type, 1 + len(payload) // _ENTRY, _NO_CHUNK])
    rest = entry.key.encode().ljust(KEY_LENGTH + 1, b"\0") + data
    return head + struct.pack("<I", _crc(head + rest)) + rest + payload, 1 if payload else 0


def _check(entry: Entry) -> None:
    for what, name in (("namespace", entry.namespace), ("key", entry.key)):
        if not (0 < len(name) <= KEY_LENGTH and name.isascii() and name.isprintable()):
            raise NvsError(f"the {what} {name!r}; write 1 to {KEY_LENGTH} printable ASCII characters")
    where = f"{entry.namespace}/{entry.key}"
    if entry.type is Type.STRING:
        if not isinstance(entry.value, str) or "\0" in entry.value:
            raise NvsError(f"{where}: it is no text without NUL characters")
        length = len(entry.value.encode(errors="surrogatepass"))
        if length != len(entry.value.encode(errors="ignore")):
            raise NvsError(f"{where}: it has characters that UTF-8 cannot hold (surrogates)")
        if length > STRING_LENGTH:
            raise NvsError(f"{where}: {length} bytes; a string has {STRING_LENGTH} at most")
    elif entry.type not in _MAXIMUM:
        raise NvsError(f"{where}: values of type {entry.type.name} are only read")
    elif (
        not isinstance(entry.value, int)
        or isinstance(entry.value, bool)
        or not 0 <= entry.value <= _MAXIMUM[entry.type]
    ):
        raise NvsError(f"{where}: it is no integer from 0 to {_MAXIMUM[entry.type]}")


def _pages(image: bytes) -> list[bytes]:
    """The pages that count, oldest first."""
    pages: list[tuple[int, bytes]] = []
    for start in range(0, len(image) - PAGE_SIZE + 1, PAGE_SIZE):
        page = image[start : start + PAGE_SIZE]
        state, number, version = struct.unpack_from("<IIB", page)
        (crc,) = struct.unpack_from("<I", page, 28)
        if state in (_ACTIVE, _FULL, _FREEING) and version in _VERSIONS and crc == _crc(page[4:28]):
            pages.append((number, page))
    return [page for _number, page in sorted(pages)]


def _written(page: bytes) -> Iterator[tuple[int, str, Type, int | str]]:
    """The namespace index, key, type and value of a page's valid entries, in order."""
    states = [page[_BITMAP + number // 4] >> number % 4 * 2 & 0b11 for number in range(PAGE_ENTRIES)]
    number = 0
    while number < PAGE_ENTRIES:
        start = _FIRST_ENTRY + number * _ENTRY
        entry = page[start : start + _ENTRY]
        index, code, span, _chunk, crc = struct.unpack_from("<BBBBI", entry)
        if states[number] != _WRITTEN or crc != _crc(entry[:4] + entry[8:]) or not 0 < span <= PAGE_ENTRIES - number:
            number += 1
            continue
        whole = all(state == _WRITTEN for state in states[number : number + span])
        number += span
        value = _decode(code, entry[24:], page[start + _ENTRY : start + span * _ENTRY]) if whole else None
        if value is not None:
            yield index, entry[8:24].split(b"\0")[0].decode("ascii", "backslashreplace"), Type(code), value


def _decode(code: int, data: bytes, payload: bytes) -> int | str | None:
    """A value; None when it is damaged or of a type not read."""
    if code == Type.STRING:
        length, _reserved, crc = struct.unpack("<HHI", data)
        if length > len(payload) or crc != _crc(payload[:length]):
            return None
        return payload[:length].split(b"\0")[0].decode("utf-8", "backslashreplace")
    if code in _INTEGERS:
        return int(struct.unpack_from(_INTEGERS[Type(code)], data)[0])
    return None


def _crc(data: bytes) -> int:
    return zlib.crc32(data, 0xFFFFFFFF)
