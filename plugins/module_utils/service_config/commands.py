# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run programs: the only door to other processes."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "HOME": "/root",
}
TIMEOUT_SECONDS = 90.0
SHOWN_CHARACTERS = 4000


@dataclass(frozen=True)
class Result:
    """What a program said. C(missing) means that there is no such program."""

    returncode: int
    stdout: str = ""
    stderr: str = ""
    missing: bool = False

    def output(self) -> str:
        """Return both outputs, stripped and cut to what a person reads."""
        text = "\n".join(part.strip() for part in (self.stderr, self.stdout) if part.strip())
        if len(text) <= SHOWN_CHARACTERS:
            return text
        # No word is cut: secrets are recognised as whole words only.
        return "…" + re.sub(r"^\S+", "", text[-SHOWN_CHARACTERS:])


Run = Callable[[Sequence[str]], Result]


def run(command: Sequence[str], timeout: float = TIMEOUT_SECONDS) -> Result:
    """Run a program without a shell, in the C locale, and return what it said; never raises for what it does."""
    if shutil.which(command[0], path=ENVIRONMENT["PATH"]) is None:
        return Result(127, stderr=f"{command[0]}: there is no such program", missing=True)
    environment = {**os.environ, **ENVIRONMENT}
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=timeout, env=environment
        )
    except subprocess.TimeoutExpired:
        return Result(124, stderr=f"no answer within {timeout:g} s")
    except OSError as error:
        return Result(126, stderr=f"{command[0]}: {error.strerror}")
    return Result(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def shown(command: Sequence[str]) -> str:
    """Return a command as one would type it."""
    return shlex.join(command)
