"""Runs programs, and turns their failures into errors that say what to do."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

TAIL_LINES = 15


class RehearsalError(Exception):
    """A problem the user can act on; its text says what happened and what to do."""


def run(
    command: Sequence[str | Path],
    *,
    stdin: str | None = None,
    environment: Mapping[str, str] | None = None,
    log: Path | None = None,
    hint: str = "",
) -> str:
    """Run a command and return its standard output.

    With `log`, both outputs go to that file instead and nothing is returned.
    Raises RehearsalError with the command, its exit code, the end of its output and `hint`.
    """
    words = [str(word) for word in command]
    try:
        if log is None:
            result = subprocess.run(words, input=stdin, env=environment, capture_output=True, text=True, check=False)
            output, complaint = result.stdout, result.stderr or result.stdout
        else:
            with log.open("w") as sink:
                result = subprocess.run(
                    words, input=stdin, env=environment, stdout=sink, stderr=subprocess.STDOUT, text=True, check=False
                )
            output, complaint = "", log.read_text(errors="replace")
    except FileNotFoundError as error:
        raise RehearsalError(f"{words[0]}: this program is not installed") from error
    if result.returncode != 0:
        raise RehearsalError(explain(words, result.returncode, complaint, hint))
    return output


def explain(words: Sequence[str], exit_code: int, complaint: str, hint: str) -> str:
    """Return the text of the error about a command that failed."""
    tail = "\n".join(f"    {line}" for line in complaint.strip().splitlines()[-TAIL_LINES:])
    text = f"exit code {exit_code} from: {shlex.join(words)}"
    return "\n".join(part for part in (text, tail, hint) if part)
