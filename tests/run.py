"""Run the parts of the test suite, time them, and say which passed.

``python tests/run.py`` runs all of them as CI does; with names, only those: ``python tests/run.py lint unit``.
``molecule`` takes role names after it: ``python tests/run.py molecule dns``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
EVENT = "inventories/dc33"


@dataclass(frozen=True)
class Part:
    """One part of the suite: commands that run in order until one fails, then the commands that clean up."""

    name: str
    commands: tuple[Sequence[str], ...]
    cleanup: tuple[Sequence[str], ...] = ()
    by_name: bool = False
    """Whether it runs only when it is named."""


def python(*arguments: str) -> list[str]:
    """A command of this virtual environment's Python."""
    return [sys.executable, *arguments]


def parts(roles: Sequence[str]) -> list[Part]:
    """All parts, in the order CI runs them: the quick ones first."""
    return [
        Part(
            "lint",
            (
                ["ruff", "check", "."],
                ["ruff", "format", "--check", "."],
                python("tests/lint/mypy.py"),
                ["ansible-lint"],
                ["antsibull-changelog", "lint"],
                [
                    "shellcheck",
                    "--shell=sh",
                    "tests/install-packages",
                    ".ci/run",
                    "rehearsal/customize.sh",
                    "rehearsal/upstream/install.sh",
                    "roles/dhcp/files/kea_dhcp4_check",
                ],
            ),
        ),
        Part("unit", (python("-m", "pytest"),)),
        Part("badges", (python("-m", "pytest", "tests/badges"),)),
        Part("collection", (python("-m", "pytest", "tests/collection"),)),
        Part(
            "rehearsal",
            (python("-m", "pytest", "--verbose", "tests/rehearsal"),),
            cleanup=(python("-m", "rehearsal", "down", EVENT),),
        ),
        Part("molecule", (python("tests/molecule.py", *roles),)),
        Part(
            "bench",
            tuple(python(str(path)) for path in sorted((CHECKOUT / "tests/bench").rglob("bench_*.py"))),
            by_name=True,
        ),
    ]


def run(part: Part) -> bool:
    """Run a part's commands; true when all of them exited with 0."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    try:
        for command in part.commands:
            print(f"\n--- {part.name}: {' '.join(command)}", flush=True)
            if subprocess.run(command, cwd=CHECKOUT, env=environment, check=False).returncode != 0:
                return False
        return True
    finally:
        for command in part.cleanup:
            subprocess.run(command, cwd=CHECKOUT, env=environment, check=False)


def main(arguments: Sequence[str]) -> int:
    """Run the named parts (all by default), print a table of times and the closing line."""
    if arguments[:1] == ["molecule"]:
        chosen = [part for part in parts(arguments[1:]) if part.name == "molecule"]
    else:
        known = parts(())
        if unknown := set(arguments) - {part.name for part in known}:
            print(f"No such part: {', '.join(sorted(unknown))}. There are: {', '.join(part.name for part in known)}.")
            return 2
        chosen = [part for part in known if (part.name in arguments if arguments else not part.by_name)]
    outcomes: list[tuple[str, bool, float]] = []
    for part in chosen:
        started = time.monotonic()
        passed = run(part)
        outcomes.append((part.name, passed, time.monotonic() - started))
    print("\npart          outcome   time")
    for name, passed, seconds in outcomes:
        print(f"{name:<13} {'passed' if passed else 'FAILED':<8} {seconds // 60:3.0f} min {seconds % 60:2.0f} s")
    failed = sum(not passed for _, passed, _ in outcomes)
    print(f"{len(outcomes) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
