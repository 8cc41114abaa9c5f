# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change of the kernel's tables that undoes itself unless it is confirmed in time.

A file holds the statements that bring the former tables back; a systemd timer runs them. Whoever renames the file
first, the timer or the confirmation, decides, so no clock needs to be compared. The file is named after the run that
made the change, so that the late confirmation of a run that was killed does not confirm the change of another.
"""

from __future__ import annotations

from pathlib import Path

from .host import NftError, Runner, run_or_raise

FOLDER = Path("/run/nixvegas-nftables")
_UNDO = 'mv -- "$1" "$1.undo" && "$2" -f "$1.undo" && rm -- "$1.undo" && echo "The former tables were put back."'


class Unconfirmed:
    """The change of one ruleset that waits for its confirmation, if there is one.

    name: the ruleset's. change: what tells the change of this run from those of others; letters and digits.
    """

    def __init__(self, run: Runner, name: str, change: str, program: str = "nft", folder: Path = FOLDER) -> None:
        self._run = run
        self._program = program
        self._name = name
        self._unit = f"nixvegas-nftables-undo-{name}"
        self._file = folder / f"{name}.{change}.nft"

    def _pending_files(self) -> list[Path]:
        return sorted(self._file.parent.glob(f"{self._name}.*.nft"))

    @property
    def pending(self) -> bool:
        """Whether a change of this ruleset, of whichever run, was neither confirmed nor undone yet."""
        return bool(self._pending_files())

    def arm(self, undo: str, seconds: int) -> None:
        """Have the statements run by systemd after this many seconds."""
        self._file.parent.mkdir(mode=0o700, exist_ok=True)
        self._file.write_text(undo, encoding="utf-8")
        command = [
            "systemd-run", "--quiet", "--collect", f"--unit={self._unit}", f"--on-active={seconds}s",
            "--timer-property=AccuracySec=100ms", f"--description=Undo unconfirmed nftables ruleset {self._name}",
            "sh", "-c", _UNDO, "sh", str(self._file), self._program,
        ]  # fmt: skip
        try:
            run_or_raise(self._run, command, None, "Setting the timer that undoes an unconfirmed ruleset")
        except NftError:
            self._file.unlink()
            raise

    def confirm(self) -> bool:
        """Keep the change of this run; False if it was undone already."""
        confirmed = self._file.with_suffix(".confirmed")
        try:
            self._file.rename(confirmed)
        except FileNotFoundError:
            return False
        confirmed.unlink()
        self._stop_timer()
        return True

    def undo(self) -> None:
        """Undo what is pending now; NftError if nft refuses the former tables."""
        self._stop_timer()
        for file in self._pending_files():
            command = ["sh", "-c", _UNDO, "sh", str(file), self._program]
            run_or_raise(self._run, command, None, "Undoing an unconfirmed ruleset")

    def _stop_timer(self) -> None:
        # A timer that has just run out is gone already; the file says who won.
        self._run(["systemctl", "stop", f"{self._unit}.timer"], None)
