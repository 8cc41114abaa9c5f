# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger's lines, and what follows from them: which badge is done, which settings are whose. It has no secrets."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import astuple, dataclass, field, fields
from enum import StrEnum

_MAC = re.compile("([0-9a-f]{2}:){5}[0-9a-f]{2}")
# Where a spreadsheet would begin a formula: before one of these signs, which quotes may hide, at the start of a cell or
# behind what separates cells in some country (OWASP, "CSV Injection").
_FORMULA = "(?=[\"'\\s]*[=+@\uff1d\uff0b\uff0d\uff20-])"
_UNESCAPED, _ESCAPED = re.compile(f"(^|[;,]){_FORMULA}"), re.compile(f"(^|[;,])'{_FORMULA}")


class LedgerError(Exception):
    """A ledger that cannot be used: where, why, and what to do."""


class Result(StrEnum):
    """What became of a badge."""

    ASSIGNED = "assigned"
    """Its settings were chosen; written before the badge is touched."""
    PASSED = "passed"
    FAILED = "failed"
    REJECTED = "rejected"
    """It must be put aside; its settings go to another badge."""
    RELEASED = "released"
    """The crew gave its settings to another badge."""


_ENDS = (Result.PASSED, Result.FAILED, Result.REJECTED)
_FREEING = (Result.REJECTED, Result.RELEASED)


@dataclass(frozen=True)
class Record:
    """One line. time: ISO 8601 with the zone; mac: empty where the badge never told it; firmware: name and digest;
    settings: mode and keyed digest; row: the line of the settings table; detail: what was written, or why not."""

    time: str
    mac: str
    slot: str
    firmware: str
    settings: str
    row: str
    result: Result
    detail: str = ""


COLUMNS = tuple(item.name for item in fields(Record))


def in_ledger(value: str) -> str:
    """A value as the ledger has it. A line break would make two lines of one; any white space becomes one space."""
    return " ".join(value.split())


def line(values: Iterable[str]) -> str:
    """A line of CSV with its end, in which a spreadsheet finds no formula."""
    text = io.StringIO()
    cells = (_UNESCAPED.sub(r"\1'", in_ledger(value)) for value in values)
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def cells(row: Iterable[str]) -> list[str]:
    """The values that `line` was given, as the ledger has them, from a row of a CSV reader."""
    return [_ESCAPED.sub(r"\1", cell) for cell in row]


def format_record(record: Record) -> str:
    """The line of a record."""
    return line(value.value if isinstance(value, Result) else value for value in astuple(record))


def parse(text: str, where: str) -> list[Record]:
    """The records of a ledger whose lines are whole. Raises LedgerError at the first line that is none of ours: a line
    that is passed over could be the one that says whose settings are taken."""
    records = []
    for number, row in enumerate(map(cells, csv.reader(io.StringIO(text))), 1):
        if number == 1:
            if tuple(row) != COLUMNS:
                raise LedgerError(f"{where}, line 1: it is not {','.join(COLUMNS)}; name another file, or put it back")
            continue
        try:
            record = Record(row[0], row[1], row[2], row[3], row[4], row[5], Result(row[6]), row[7])
        except (IndexError, ValueError):
            record = None
        if record is None or len(row) != len(COLUMNS) or (record.mac and not _MAC.fullmatch(record.mac)):
            raise LedgerError(f"{where}, line {number}: it is no record; mend or delete that line")
        records.append(record)
    return records


@dataclass
class History:
    """What is known of the badges from the ledger so far."""

    rows: dict[str, str] = field(default_factory=dict)
    """Which line of the settings table a badge has, by MAC."""
    last: dict[str, Record] = field(default_factory=dict)
    """How a badge ended last, by MAC."""

    def add(self, record: Record) -> None:
        """Take in the next record."""
        if not record.mac:
            return
        if record.result in _FREEING:
            self.rows.pop(record.mac, None)
        elif record.row:
            self.rows[record.mac] = record.row
        elif record.result is Result.ASSIGNED:
            self.rows.pop(record.mac, None)
        if record.result in _ENDS:
            self.last[record.mac] = record

    def is_done(self, mac: str, firmware: str, settings: str) -> bool:
        """Whether the badge last passed with this firmware and these settings."""
        last = self.last.get(mac)
        return last is not None and (last.result, last.firmware, last.settings) == (Result.PASSED, firmware, settings)

    @property
    def passed(self) -> int:
        """How many badges ended right."""
        return sum(record.result is Result.PASSED for record in self.last.values())


def history(records: Iterable[Record]) -> History:
    """What follows from these records."""
    known = History()
    for record in records:
        known.add(record)
    return known
