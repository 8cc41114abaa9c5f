# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask whether a service does its work."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.commands import Result, Run, shown
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.model import Health

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 1.0


def complaint(health: Health, result: Result) -> str | None:
    """Return what is wrong with a health command's answer, or None. Pure."""
    command = shown(health.command)
    said = f": {result.output()}" if result.output() else ""
    if result.returncode:
        return f"{command} ended with {result.returncode}{said}"
    if health.stdout is not None and result.stdout.strip() != health.stdout.strip():
        return f"{command} did not say exactly {health.stdout.strip()!r}{said}"
    for text in health.contains:
        if text not in result.stdout:
            return f"{command} did not say {text!r}{said}"
    for text in health.not_contains:
        if text in result.stdout:
            return f"{command} must not say {text!r}{said}"
    return None


def ask(health: Sequence[Health], run: Run) -> tuple[list[str], list[str]]:
    """Ask once; return the complaints, and the programs that are missing (which are complaints too)."""
    complaints, missing = [], []
    for item in health:
        result = run(item.command)
        wrong = complaint(item, result)
        if wrong:
            complaints.append(wrong)
        if result.missing:
            missing.append(item.command[0])
    return complaints, missing


def wait_until_well(ask_all: Callable[[], list[str]], timeout: float) -> list[str]:
    """Ask until there is no complaint; return the last ones when C(timeout) seconds have passed."""
    deadline = time.monotonic() + timeout
    pause = _FIRST_PAUSE_SECONDS
    while True:
        complaints = ask_all()
        if not complaints or time.monotonic() + pause > deadline:
            return complaints
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
