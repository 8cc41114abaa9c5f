# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that keeps units in a dictionary, and short ways to write requests."""

from __future__ import annotations

import getpass
import grp
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.commands import Result
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.model import Entry, Kind, Wanted

USER = getpass.getuser()
GROUP = grp.getgrgid(os.getegid()).gr_name
OK = Result(0)


def text_file(content: str, mode: int = 0o644) -> Entry:
    """A file of the user who runs the tests."""
    return Entry(Kind.FILE, content.encode(), owner=USER, group=GROUP, mode=mode)


def folder(mode: int = 0o755) -> Entry:
    """A folder of the user who runs the tests."""
    return Entry(Kind.DIRECTORY, owner=USER, group=GROUP, mode=mode)


def wanted(path: Path | str, content: str, *, secret: bool = False) -> Wanted:
    """A file that shall be there."""
    return Wanted(str(path), text_file(content), secret)


@dataclass
class Unit:
    """What systemd would say about a unit."""

    active: str = "inactive"
    file: str = "disabled"
    starts: bool = True


@dataclass
class FakeHost:
    """Answers systemctl from C(units) and other commands from C(answers); remembers what was called."""

    units: dict[str, Unit] = field(default_factory=dict)
    answers: dict[str, Result | list[Result]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    log: str = "the unit's log"

    def run(self, command: Sequence[str]) -> Result:
        """Stand in for commands.run."""
        if command[:2] == ["systemctl", "show"]:
            return Result(0, "\n\n".join(self._show(name) for name in command[command.index("--") + 1 :]))
        if command[0] == "journalctl":
            return Result(0, self.log)
        line = " ".join(command)
        if "reset-failed" in line:
            return OK
        if command[0] == "systemctl":
            return self._systemctl(list(command[1:]), line)
        self.calls.append(line)
        answer = self.answers.get(line, OK)
        if isinstance(answer, list):
            return answer.pop(0) if len(answer) > 1 else answer[0]
        return answer

    def _show(self, name: str) -> str:
        unit = self.units.get(name)
        if unit is None:
            return "LoadState=not-found\nActiveState=inactive\nUnitFileState="
        return f"LoadState=loaded\nActiveState={unit.active}\nUnitFileState={unit.file}"

    def _systemctl(self, words: list[str], line: str) -> Result:
        self.calls.append(line)
        verb, names = words[0], [word for word in words[1:] if not word.startswith("-")]
        for name in names:
            unit = self.units.setdefault(name, Unit())
            if verb in ("enable", "disable"):
                unit.file = f"{verb}d"
            elif verb == "stop":
                unit.active = "inactive"
            elif not unit.starts:
                unit.active = "failed"
                return Result(1, stderr=f"Job for {name} failed")
            else:
                unit.active = "active"
        return OK
