"""The rehearsal the tests ask. They run in the order of their files: each stands on what those before it left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .harness import Rehearsal


@pytest.fixture(scope="session")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where everything printed is kept."""
    return tmp_path_factory.mktemp("records")


@pytest.fixture(scope="session")
def rehearsal(records: Path) -> Rehearsal:
    """The rehearsal of the example event."""
    return Rehearsal(records)


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Any:
    """A function that prints a measured figure past pytest's capture."""

    def say(text: str) -> None:
        with capsys.disabled():
            print(f"\n  {text}", flush=True)

    return say
