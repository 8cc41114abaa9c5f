"""Run the molecule scenarios, two at a time, and say how long each took.

``python tests/molecule.py`` runs all of them, ``python tests/molecule.py dns dhcp`` those of two roles. What a scenario
prints is in ``.cache/molecule/ROLE.log``, and shown if it fails. Nothing of a scenario is left, however it ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
SCENARIOS = CHECKOUT / "extensions" / "molecule"
LOGS = CHECKOUT / ".cache" / "molecule"
# Half of a scenario's time it waits for its container.
AT_ONCE = 2
SHOWN_LINES = 60


@dataclass(frozen=True)
class Outcome:
    """How a scenario ended."""

    name: str
    passed: bool
    seconds: float


def run(name: str) -> Outcome:
    """Run a scenario, and take its containers down even if molecule could not."""
    started = time.monotonic()
    log = LOGS / f"{name}.log"
    with tempfile.TemporaryDirectory(prefix="molecule-") as ephemeral, log.open("w") as output:
        environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "MOLECULE_EPHEMERAL_DIRECTORY": ephemeral,
            "NO_COLOR": "1",
        }
        command = [sys.executable, "-m", "molecule", "test", "--scenario-name", name, "--no-command-borders"]
        try:
            done = subprocess.run(
                command, cwd=CHECKOUT, env=environment, stdout=output, stderr=subprocess.STDOUT, check=False
            )
        finally:
            take_down = [sys.executable, "-m", "rehearsal", "lab", "down", name]
            subprocess.run(take_down, cwd=CHECKOUT, stdout=output, stderr=subprocess.STDOUT, check=False)
    outcome = Outcome(name, done.returncode == 0, time.monotonic() - started)
    print(f"{name:<16} {'passed' if outcome.passed else 'FAILED'} {outcome.seconds:6.1f} s", flush=True)
    return outcome


def main(chosen: Sequence[str]) -> int:
    """Run the named scenarios (all by default), print a line for each and the closing line."""
    known = sorted(file.parent.name for file in SCENARIOS.glob("*/molecule.yml"))
    if unknown := sorted(set(chosen) - set(known)):
        print(f"No such scenario: {', '.join(unknown)}. There are: {', '.join(known)}.")
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(run, chosen or known))
    for outcome in outcomes:
        if not outcome.passed:
            lines = (LOGS / f"{outcome.name}.log").read_text().splitlines()
            print(f"\n--- {outcome.name}, the last lines:\n" + "\n".join(lines[-SHOWN_LINES:]))
    failed = sum(not outcome.passed for outcome in outcomes)
    print(f"\n{len(outcomes) - failed} passed, {failed} failed in {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
