# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running nft and systemctl; nothing else of this package starts a program."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Protocol

from .boot import SERVICE
from .listing import NormalTable, normalise, tables_in, texts
from .ruleset import Table


class Runner(Protocol):
    """Runs a command."""

    def __call__(self, command: list[str], text: str | None, /) -> tuple[int, str, str]:
        """Run it with this text as its input; return exit code, output and error output."""


_LOAD_AND_LIST = '"$1" -f - && "$1" -j list ruleset && "$1" -s list ruleset'
_POSITION = re.compile(r"/dev/stdin:(\d+):(\d+)-(\d+): ")


class NftError(RuntimeError):
    """A program refused; the message quotes it."""


def run_or_raise(run: Runner, command: list[str], text: str | None, doing: str) -> str:
    """The output of a command; NftError, quoting its errors, if it fails."""
    code, output, errors = run(command, text)
    if code != 0:
        raise NftError(f"{doing} failed (`{' '.join(command[:4])}`, exit code {code}):\n{(errors or output).strip()}")
    return output


class Nft:
    """The nft program of a host."""

    def __init__(self, run: Runner, program: str = "nft") -> None:
        self._run = run
        self._program = program

    def _nft(self, arguments: list[str], doing: str, text: str | None = None) -> str:
        return run_or_raise(self._run, [self._program, *arguments], text, doing)

    def kernel(self, tables: Iterable[Table]) -> dict[Table, NormalTable]:
        """Those of the tables that the kernel holds, in normal form."""
        present = tables_in(self._nft(["-j", "list", "tables"], "Listing the kernel's tables"))
        found: dict[Table, NormalTable] = {}
        for table in tables:
            if table in present:
                found |= normalise(self._nft(["-j", "list", "table", *table], f"Listing table {table}"))
        return found

    def texts(self, tables: Iterable[Table]) -> dict[Table, str]:
        """The readable listing of tables that are there, without the values of counters."""
        result: dict[Table, str] = {}
        for table in tables:
            result |= texts(self._nft(["-s", "list", "table", *table], f"Listing table {table}"))
        return result

    def load_apart(self, ruleset: str) -> tuple[dict[Table, NormalTable], dict[Table, str]]:
        """What the kernel makes of a ruleset, in normal form and readable, by loading it in an own network namespace.

        Raises NftError that quotes nft's complaint with line and columns of the ruleset.
        """
        command = ["unshare", "--net", "sh", "-c", _LOAD_AND_LIST, "sh", self._program]
        code, output, errors = self._run(command, ruleset)
        if code != 0:
            quoted = _POSITION.sub(r"line \1, columns \2-\3: ", (errors or output).strip())
            raise NftError(f"The ruleset is refused by nft, nothing was changed. In the ruleset:\n{quoted}")
        listing, _newline, text = output.partition("\n")
        return normalise(listing), texts(text)

    def check(self, transaction: str, boot_files: Iterable[str] = ()) -> None:
        """Ask the kernel whether it would take a transaction, beside the other files that are loaded at boot."""
        includes = "".join(f'include "{path}"\n' for path in boot_files)
        self._nft(
            ["-c", "-f", "-"],
            "The check of the new tables together with the other boot-time files",
            transaction + includes,
        )

    def apply(self, transaction: str) -> None:
        """Apply a transaction: all of it or, with NftError, nothing."""
        self._nft(["-f", "-"], "Applying the tables", transaction)

    def saved(self, tables: Iterable[Table]) -> str:
        """Statements that bring these tables back as they are now, counters included."""
        return "".join(self._nft(["list", "table", *table], f"Saving table {table}") for table in tables)


class Dpkg:
    """What is asked of Debian's package manager."""

    def __init__(self, run: Runner) -> None:
        self._run = run

    def shipped(self, path: str, text: str) -> bool:
        """Whether a text is what the package nftables ships as its configuration file of this path."""
        code, output, _errors = self._run(["dpkg-query", "--show", "--showformat=${Conffiles}", "nftables"], None)
        if code != 0:
            return False
        sums = dict(line.split()[:2] for line in output.splitlines() if line.strip())
        return sums.get(path) == hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


class Systemctl:
    """What is asked of systemd about nftables.service."""

    def __init__(self, run: Runner) -> None:
        self._run = run

    def state(self) -> dict[str, str]:
        """UnitFileState, ActiveState and NeedDaemonReload of the service; empty values where it is not installed."""
        properties = "UnitFileState,ActiveState,NeedDaemonReload"
        output = run_or_raise(
            self._run, ["systemctl", "show", SERVICE, f"--property={properties}"], None, "Asking systemd"
        )
        return dict(line.split("=", 1) for line in output.splitlines() if "=" in line)

    def do(self, *arguments: str) -> None:
        """Run systemctl with these arguments; NftError if it fails."""
        run_or_raise(self._run, ["systemctl", *arguments], None, f"systemctl {' '.join(arguments)}")
