# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a host, planning for it and carrying the plan out."""

from __future__ import annotations

import tempfile
from pathlib import Path

from .boot import (
    DROP_IN_PATH,
    KEPT_MAIN_PATH,
    MAIN_PATH,
    MARK,
    RULESETS_PATH,
    SERVICE,
    former_tables,
    refuse_shared_tables,
    ruleset_path,
)
from .host import Dpkg, Nft, Runner, Systemctl
from .plan import Change, Plan, Wanted, differing, make_plan, table_changes
from .ruleset import Table, removal


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


class Host:
    """A host's rulesets: kernel, boot-time files and nftables.service.

    root: the folder in which the boot-time files are looked for and written, `/` but in tests.
    """

    def __init__(self, run: Runner, program: str = "nft", root: Path = Path("/")) -> None:
        self._nft = Nft(run, program)
        self._systemctl = Systemctl(run)
        self._dpkg = Dpkg(run)
        self._root = root

    def _at(self, path: str) -> Path:
        return self._root / path.lstrip("/")

    def _others(self, wanted: Wanted) -> dict[str, str]:
        own = self._at(ruleset_path(wanted.name))
        paths = sorted(self._at(RULESETS_PATH).glob("*.nft"))
        return {str(path): path.read_text(encoding="utf-8") for path in paths if path != own}

    def _former(self, wanted: Wanted) -> tuple[Table, ...]:
        named = former_tables(_read(self._at(ruleset_path(wanted.name))))
        return tuple(table for table in named if table not in wanted.tables)

    def _plan(self, wanted: Wanted, removed: tuple[Table, ...], changed_tables: tuple[Change, ...]) -> Plan:
        present = {path: _read(self._at(path)) for path in wanted.files()}
        return make_plan(wanted, removed, changed_tables, present, self._systemctl.state())

    def plan(self, wanted: Wanted) -> Plan:
        """What has to change on the host.

        Raises RulesetError if another boot-time file names the same table, NftError if nft refuses the ruleset.
        """
        others = self._others(wanted)
        refuse_shared_tables(wanted.tables, others)
        removed = self._former(wanted)
        owned = wanted.tables + removed
        kernel_would_hold, texts_after = self._nft.load_apart(wanted.text) if wanted.text else ({}, {})
        kernel_holds = self._nft.kernel(owned)
        differs = differing(kernel_would_hold, kernel_holds, owned)
        texts_before = self._nft.texts(table for table in differs if table in kernel_holds)
        plan = self._plan(wanted, removed, table_changes(differs, texts_before, texts_after))
        if plan.table_changes or plan.file_changes:
            self._nft.check(plan.transaction, others)
        return plan

    def plan_without_nft(self, wanted: Wanted) -> Plan:
        """What would have to change on a host that has no nft yet, so that its kernel cannot be asked."""
        changes = (
            (Change(f"{', '.join(f'table {table}' for table in wanted.tables)} (kernel)", "", wanted.text),)
            if wanted.text
            else ()
        )
        return self._plan(wanted, self._former(wanted), changes)

    def undo_text(self, plan: Plan) -> str:
        """Statements that bring the plan's tables back as they are now; NftError if the kernel would refuse them."""
        text = removal(plan.tables) + self._nft.saved(self._nft.kernel(plan.tables))
        self._nft.check(text)
        return text

    def apply_tables(self, plan: Plan) -> None:
        """Make the kernel hold what the plan says, in one transaction."""
        if plan.table_changes:
            self._nft.apply(plan.transaction)

    def apply_boot(self, plan: Plan) -> str | None:
        """Write or remove the boot-time files, enable and start the service.

        Returns the path of the copy if somebody else's main file was replaced.
        """
        kept = None
        for change in plan.file_changes:
            if change.what == MAIN_PATH and self._is_somebodys(change.before):
                kept = KEPT_MAIN_PATH
                self._write(kept, change.before)
            self._write(change.what, plan.files[change.what])
        if any(change.what == DROP_IN_PATH for change in plan.file_changes):
            self._systemctl.do("daemon-reload")
        if plan.service_changes:
            self._systemctl.do("enable", "--now", SERVICE)
        return kept

    def _is_somebodys(self, text: str | None) -> bool:
        """Whether a main file holds something that was neither written by us nor shipped by Debian."""
        return bool(text) and MARK not in str(text) and not self._dpkg.shipped(MAIN_PATH, str(text))

    def _write(self, path: str, text: str | None) -> None:
        target = self._at(path)
        if text is None:
            target.unlink(missing_ok=True)
            return
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=target.parent, prefix=".nixvegas-", delete=False
        ) as file:
            file.write(text)
        temporary = Path(file.name)
        temporary.chmod(0o644)
        temporary.replace(target)
