# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to change so that kernel, boot-time files and service are as wanted: one plan for check, diff and apply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .boot import DROP_IN_PATH, DROP_IN_TEXT, MAIN_PATH, MAIN_TEXT, SERVICE, ruleset_file, ruleset_path
from .listing import NormalTable
from .ruleset import Table, transaction


@dataclass(frozen=True)
class Wanted:
    """A ruleset by its name, its text (empty: the ruleset is to be absent) and the tables that the text names."""

    name: str
    text: str
    tables: tuple[Table, ...]

    def files(self) -> dict[str, str | None]:
        """Boot-time files by path; None where there shall be none. An absent ruleset leaves the shared files alone."""
        if not self.text:
            return {ruleset_path(self.name): None}
        return {
            ruleset_path(self.name): ruleset_file(self.name, self.tables, self.text),
            MAIN_PATH: MAIN_TEXT,
            DROP_IN_PATH: DROP_IN_TEXT,
        }


@dataclass(frozen=True)
class Change:
    """One thing that differs, before and after, as text (empty: not there)."""

    what: str
    before: str
    after: str

    def as_diff(self) -> dict[str, str]:
        """The change as Ansible shows it."""
        return {"before_header": self.what, "after_header": self.what, "before": self.before, "after": self.after}


@dataclass(frozen=True)
class Plan:
    """Everything that has to change."""

    tables: tuple[Table, ...]
    transaction: str
    table_changes: tuple[Change, ...]
    file_changes: tuple[Change, ...]
    service_changes: tuple[Change, ...]
    files: dict[str, str | None]

    @property
    def boot_changes(self) -> tuple[Change, ...]:
        """What has to change for the next boot."""
        return self.file_changes + self.service_changes

    @property
    def changes(self) -> tuple[Change, ...]:
        """All changes, the kernel's first."""
        return self.table_changes + self.boot_changes


def differing(
    wanted: Mapping[Table, NormalTable], held: Mapping[Table, NormalTable], owned: tuple[Table, ...]
) -> tuple[Table, ...]:
    """The owned tables that the kernel does not hold as wanted."""
    return tuple(table for table in owned if wanted.get(table) != held.get(table))


def table_changes(
    tables: tuple[Table, ...], before: Mapping[Table, str], after: Mapping[Table, str]
) -> tuple[Change, ...]:
    """The changes of these tables, from readable listings."""
    return tuple(Change(f"table {table} (kernel)", before.get(table, ""), after.get(table, "")) for table in tables)


def _service_changes(state: Mapping[str, str]) -> tuple[Change, ...]:
    enabled = state.get("UnitFileState") or "not installed"
    active = state.get("ActiveState", "unknown")
    if (enabled, active) == ("enabled", "active"):
        return ()
    return (Change(SERVICE, f"{enabled}, {active}\n", "enabled, active\n"),)


def make_plan(
    wanted: Wanted,
    removed: tuple[Table, ...],
    changed_tables: tuple[Change, ...],
    present_files: Mapping[str, str | None],
    service_state: Mapping[str, str],
) -> Plan:
    """The plan for a wanted ruleset.

    removed: tables of the former ruleset that are to go. changed_tables: what differs in the kernel. present_files: the
    text of each of the wanted files, None where there is none. service_state: as Systemctl.state returns it.
    """
    files = wanted.files()
    file_changes = tuple(
        Change(path, present_files[path] or "", text or "")
        for path, text in files.items()
        if present_files[path] != text
    )
    return Plan(
        tables=wanted.tables + removed,
        transaction=transaction(wanted.tables + removed, wanted.text),
        table_changes=changed_tables,
        file_changes=file_changes,
        service_changes=_service_changes(service_state) if wanted.text else (),
        files=files,
    )
