"""Times the steps of a rehearsal, and says what is being done."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Steps:
    """The steps of one rehearsal; their times are recorded for the summary, until the rehearsal is taken down."""

    def __init__(self, record: Path) -> None:
        """Add to the record of earlier commands, if there is one."""
        self.record = record
        self.done: dict[str, float] = {}

    @property
    def seconds(self) -> dict[str, float]:
        """How long each step took when it was last done."""
        earlier: dict[str, float] = json.loads(self.record.read_text()) if self.record.exists() else {}
        return earlier | self.done

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step, and print its name before and its time after."""
        print(f"{name} …", flush=True)
        started = time.monotonic()
        yield
        self.done[name] = time.monotonic() - started
        print(f"{name}: {self.done[name]:.1f} s", flush=True)
        self.record.parent.mkdir(parents=True, exist_ok=True)
        self.record.write_text(json.dumps(self.seconds))
