# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write planned changes, in the real place or in the sandbox: the same code for both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.commands import Run
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.model import Entry, Kind, ServiceConfigError
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.paths import group_id, user_id, write_entry
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.plan import Change, is_account_declaration

Step = Callable[[str], None]


def write_changes(
    changes: Sequence[Change], run: Run, *, in_place: bool, tolerant: bool = False, step: Step
) -> list[str]:
    """Write the changes in order and return warnings.

    Accounts declared for systemd-sysusers are made before the files that may belong to them.
    C(tolerant): where a user or group does not exist (package not installed yet), root stands in, with a warning.
    C(step) is told before each write. Raises OSError and ServiceConfigError.
    """
    warnings: list[str] = []
    declared = [c.path for c in changes if is_account_declaration(c.path) and c.after.kind is Kind.FILE]
    for number, change in enumerate(changes):
        if declared and change.path not in declared and change.after.kind is not Kind.DIRECTORY:
            _make_accounts(declared, run)
            declared = []
        step(f"write {number}")
        entry = change.after
        if tolerant and entry.kind in (Kind.FILE, Kind.DIRECTORY):
            entry = _with_known_accounts(change.path, entry, warnings)
        write_entry(change.path, entry, in_place=in_place)
    if declared:
        _make_accounts(declared, run)
    return warnings


def _make_accounts(files: Sequence[str], run: Run) -> None:
    result = run(["systemd-sysusers", *files])
    if result.returncode:
        raise ServiceConfigError(f"systemd-sysusers {' '.join(files)} failed:\n{result.output()}")


def _with_known_accounts(path: str, entry: Entry, warnings: list[str]) -> Entry:
    try:
        user_id(entry.owner, path)
    except ServiceConfigError as error:
        warnings.append(str(error))
        entry = replace(entry, owner="root")
    try:
        group_id(entry.group, path)
    except ServiceConfigError as error:
        warnings.append(str(error))
        entry = replace(entry, group="root")
    return entry
