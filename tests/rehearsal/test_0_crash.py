"""Commands that were killed: the next one goes on from what they left, and nothing is left in the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from .harness import CHECKOUT, EVENT, Rehearsal

CACHE = Path(os.environ.get("NIXVEGAS_NOC_CACHE") or CHECKOUT / ".cache" / "rehearsal").absolute()
FOLDER = CACHE / "events" / EVENT.name
PATIENCE_SECONDS = 120


def until(condition: Callable[[], object]) -> None:
    """Wait for something that comes soon."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def traces() -> list[str]:
    """What is on this machine of the rehearsal: files, mounts, processes."""
    found = [f"file {FOLDER}"] if FOLDER.exists() else []
    found += [f"mount {line}" for line in Path("/proc/mounts").read_text().splitlines() if f"{FOLDER}/" in line]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if f"{FOLDER}/" in words:
            found.append(f"process {process.name}: {words}")
    return found


def test_up_is_killed(rehearsal: Rehearsal) -> None:
    """While it runs another one is refused; what it left half-made is said to be so, and put up anew."""
    rehearsal.command("down", str(EVENT))
    assert traces() == []
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-m", "rehearsal", "up", str(EVENT), "--bare"]
    with subprocess.Popen(
        command, cwd=rehearsal.records, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as first:
        try:
            until(
                lambda: (
                    first.poll() is not None
                    or " containers run: " in rehearsal.command("status", str(EVENT), check=False).output
                )
            )
            second = rehearsal.command("up", str(EVENT), "--bare", check=False)
        finally:
            first.kill()
    assert first.returncode == -signal.SIGKILL, "it ended before it could be killed"
    assert second.exit_code == 1
    assert f"process {first.pid} is changing the rehearsal 'dc33' just now" in second.output
    half = rehearsal.command("verify", str(EVENT), check=False)
    assert half.exit_code == 1
    assert "was not put up to its end; put it up again" in half.output
    rehearsal.put_up("--bare")
    assert rehearsal.shell("ghostgate", "hostname") == "ghostgate\n"


def test_the_holder_is_killed(rehearsal: Rehearsal) -> None:
    """All containers end with it, and `down` removes the rest."""
    os.kill(json.loads((FOLDER / "holder.json").read_text())["pid"], signal.SIGKILL)
    until(lambda: "does not stand, but left files" in rehearsal.command("status", str(EVENT), check=False).output)
    rehearsal.command("down", str(EVENT))
    assert traces() == []
