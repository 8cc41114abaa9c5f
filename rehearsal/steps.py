"""Times the steps of a rehearsal, and says what is being done."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Steps:
    """The steps of one rehearsal; their times outlive the command, for the summary."""

    def __init__(self, record: Path) -> None:
        """Continue the record of earlier commands, if there is one."""
        self.record = record
        self.seconds: dict[str, float] = json.loads(record.read_text()) if record.exists() else {}

    def forget(self) -> None:
        """Start over."""
        self.seconds = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step, and print its name before and its time after."""
        print(f"{name} …", flush=True)
        started = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - started
        print(f"{name}: {self.seconds[name]:.1f} s", flush=True)
        self.record.parent.mkdir(parents=True, exist_ok=True)
        self.record.write_text(json.dumps(self.seconds))
