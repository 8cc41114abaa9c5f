# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of many badges: a CSV or YAML file with a line a badge, laid over what all badges share."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath

import yaml
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.settings import (
    NAMES,
    SettingsError,
    nearest,
    parse,
)
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.table.assignment import Row
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.table.record import in_ledger
from ansible_collections.nixvegas.noc.plugins.plugin_utils.badge_table.event_cache import EventCache

NO_CACHE = EventCache("", str)
SHOWN_MISTAKES = 20
COLUMNS = ("mac", *NAMES)
_MAC = re.compile("([0-9a-f]{2}:){5}[0-9a-f]{2}")
_Given = Iterator[tuple[int, Mapping[str, object]]]


class TableError(Exception):
    """All that is wrong with a settings table, a line each with the line's number. No cell is part of it: any may be a
    passphrase, where a column is missing or misnamed."""


def read(text: str, where: str, shared: Mapping[str, object], cache: EventCache = NO_CACHE) -> tuple[Row, ...]:
    """The rows of a settings table, with what they share.

    :param where: the file's name, whose ending says whether it is CSV or YAML.
    :param shared: settings of all badges; a cell that is not empty wins over them.
    :param cache: what badges relay whose settings name no cache.
    :raises TableError: with all mistakes.
    """
    lines = _yaml(text, where) if PurePath(where).suffix in (".yml", ".yaml") else _csv(text, where)
    rows: list[Row] = []
    mistakes: list[str] = []
    seen: dict[str, int] = {}
    for place, (number, given) in enumerate(lines, 1):
        settings = {key: value for key, value in given.items() if key != "mac" and value not in (None, "")}
        mac, wrong = mac_of(given.get("mac"))
        wrong = [f"mac: {mistake}" for mistake in wrong]
        name = in_ledger(str(settings.get("name") or ""))
        row = Row(name or mac or f"#{place}", mac, cache.under({**shared, **settings}))
        wrong += _mistakes(row)
        for key, column in {row.id: "name", mac: "mac"}.items():
            if key in seen:
                wrong.append(f"{column}: it stands in line {seen[key]} too; give every badge another name and MAC")
            if key:
                seen.setdefault(key, number)
        mistakes += [f"{where}, line {number}: {mistake}" for mistake in wrong]
        rows.append(row)
    if not rows:
        mistakes.append(f"{where}: it has no badge in it; write a line for each")
    if mistakes:
        more = len(mistakes) - SHOWN_MISTAKES
        raise TableError("\n".join(mistakes[:SHOWN_MISTAKES] + ([f"and {more} more"] if more > 0 else [])))
    return tuple(rows)


def mac_of(value: object) -> tuple[str, list[str]]:
    """A MAC as all of our code writes it, and what is wrong with it; an empty one is none."""
    if value is None or value == "":
        return "", []
    mac = str(value).strip().lower().replace("-", ":")
    if isinstance(value, str) and _MAC.fullmatch(mac):
        return mac, []
    return "", ["it is no MAC; write it as 60:55:f9:00:00:07, in YAML in quotes"]


def shared_row(settings: Mapping[str, object], rows: tuple[Row, ...], cache: EventCache = NO_CACHE) -> Row | None:
    """The settings of a badge that the table does not list: what all share, where that is enough by itself.

    :raises TableError: with all mistakes, where there is no table and badges get nothing else.
    """
    if not settings or any(not row.mac for row in rows):
        return None
    row = Row("", "", cache.under(settings))
    mistakes = _mistakes(row)
    if mistakes and not rows:
        raise TableError("\n".join(f"settings: {mistake}" for mistake in mistakes))
    return None if mistakes else row


def _mistakes(row: Row) -> list[str]:
    try:
        parse(row.settings)
    except SettingsError as error:
        return list(error.mistakes)
    return []


def _csv(text: str, where: str) -> _Given:
    """The lines of a CSV file as spreadsheets write them: separated by commas or semicolons, perhaps with a mark of
    the byte order."""
    text = text.removeprefix("\ufeff")
    head = text.split("\n", 1)[0]
    delimiter = ";" if head.count(";") > head.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = [column.strip() for column in next(reader, [])]
        if mistakes := list(_in_header(columns)):
            raise TableError("\n".join(f"{where}, line 1: {mistake}" for mistake in mistakes))
        for cells in reader:
            if len(cells) > len(columns) and any(cells[len(columns) :]):
                raise TableError(
                    f"{where}, line {reader.line_num}: {len(cells)} cells under {len(columns)} columns;"
                    f" put a cell with a {delimiter} in it in double quotes"
                )
            if any(cell.strip() for cell in cells):
                yield reader.line_num, dict(zip(columns, cells, strict=False))
    except csv.Error as error:
        raise TableError(
            f"{where}, line {reader.line_num}: it is not CSV: {error}; look for a double quote without its second"
        ) from None


def _in_header(columns: Sequence[str]) -> Iterator[str]:
    """What is wrong with a first line. If it has no column's name at all, it is likely the first badge's."""
    if columns and not set(columns) & set(COLUMNS):
        yield f"it names no column; let it be, for instance, mac,name,mode (there are {', '.join(COLUMNS)})"
        return
    for number, column in enumerate(columns, 1):
        if column not in COLUMNS:
            yield f"column {number}: there is no such column; {nearest(column, COLUMNS)}"
        elif column in columns[: number - 1]:
            yield f"column {number}: {column} is a column already; name each once"


def _yaml(text: str, where: str) -> _Given:
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        if not isinstance(root, yaml.SequenceNode):
            raise TableError(f"{where}: it is no list; write `- name: …` for each badge")
        for node in root.value:
            line = node.start_mark.line + 1
            if not isinstance(node, yaml.MappingNode):
                raise TableError(f"{where}, line {line}: it is no mapping; write `- name: …`")
            try:
                given = loader.construct_mapping(node, deep=True)
            except ValueError:
                # A day that no calendar has, for instance.
                raise TableError(f"{where}, line {line}: it has a value that YAML cannot read; quote it") from None
            if unknown := [str(key) for key in given if key not in COLUMNS]:
                raise TableError(f"{where}, line {line}: there is no such setting; {nearest(unknown[0], COLUMNS)}")
            yield line, {str(key): value for key, value in given.items()}
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        # Not the error's own text: it quotes the line or a word of it, which may be a passphrase.
        raise TableError(
            f"{where}, line {line}: it is not YAML; quote values that have other characters than letters and digits"
        ) from None
    except yaml.YAMLError:
        raise TableError(f"{where}: it is not YAML: it has characters that cannot be there") from None
    finally:
        loader.dispose()
