# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of many badges: a CSV or YAML file with a line a badge, laid over what all badges share."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath

import yaml
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.settings import SettingsError, parse
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.table.assignment import Row
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.table.record import in_ledger

SHOWN_MISTAKES = 20
_MAC = re.compile("([0-9a-f]{2}:){5}[0-9a-f]{2}")
_Given = Iterator[tuple[int, Mapping[str, object]]]


class TableError(Exception):
    """All that is wrong with a settings table, a line each with the line's number. No secret is part of it."""


def read(text: str, where: str, shared: Mapping[str, object]) -> tuple[Row, ...]:
    """The rows of a settings table, with what they share.

    :param where: the file's name, whose ending says whether it is CSV or YAML.
    :param shared: settings of all badges; a cell that is not empty wins over them.
    :raises TableError: with all mistakes.
    """
    lines = _yaml(text, where) if PurePath(where).suffix in (".yml", ".yaml") else _csv(text, where)
    rows: list[Row] = []
    mistakes: list[str] = []
    seen: dict[str, int] = {}
    for place, (number, given) in enumerate(lines, 1):
        settings = {key: value for key, value in given.items() if key != "mac" and value not in (None, "")}
        mac, wrong = mac_of(given.get("mac"))
        row = Row(in_ledger(str(settings.get("name") or "")) or mac or f"#{place}", mac, {**shared, **settings})
        wrong += _mistakes(row)
        for key in {row.id, mac} - {""}:
            if key in seen:
                wrong.append(f"{key} stands in line {seen[key]} too; give every badge another name and MAC")
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
    return "", [f'mac: {value!r} is no MAC; write it in quotes, as "60:55:f9:00:00:07"']


def shared_row(settings: Mapping[str, object], rows: tuple[Row, ...]) -> Row | None:
    """The settings of a badge that the table does not list: what all share, where that is enough by itself."""
    if not settings or any(not row.mac for row in rows):
        return None
    row = Row("", "", settings)
    return None if rows and _mistakes(row) else row


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
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if head.count(";") > head.count(",") else ",")
    try:
        columns = [column.strip() for column in next(reader, [])]
        if len(set(columns)) != len(columns) or "" in columns:
            raise TableError(f"{where}, line 1: the columns are {', '.join(columns)}; name each once, as mac,name,mode")
        for cells in reader:
            if len(cells) > len(columns) and any(cells[len(columns) :]):
                raise TableError(
                    f"{where}, line {reader.line_num}: {len(cells)} cells under {len(columns)} columns;"
                    " put a cell with a comma in it in double quotes"
                )
            if any(cell.strip() for cell in cells):
                yield reader.line_num, dict(zip(columns, cells, strict=False))
    except csv.Error as error:
        raise TableError(f"{where}, line {reader.line_num}: it is not CSV: {error}") from error


def _yaml(text: str, where: str) -> _Given:
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        if not isinstance(root, yaml.SequenceNode):
            raise TableError(f"{where}: it is no list; write `- name: …` for each badge")
        for node in root.value:
            if not isinstance(node, yaml.MappingNode):
                raise TableError(f"{where}, line {node.start_mark.line + 1}: it is no mapping; write `- name: …`")
            given = loader.construct_mapping(node, deep=True)
            yield node.start_mark.line + 1, {str(key): value for key, value in given.items()}
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        # Not the error's own text: it quotes the line, which may have a passphrase in it.
        raise TableError(f"{where}, line {line}: it is not YAML: {error.problem}") from None
    except yaml.YAMLError:
        raise TableError(f"{where}: it is not YAML: it has characters that cannot be there") from None
    finally:
        loader.dispose()
