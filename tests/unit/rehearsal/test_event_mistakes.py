"""A wrong event file ends in one sentence, never in a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.command import RehearsalError
from rehearsal.event import load_event


@pytest.mark.parametrize("text", ["", "network: {}", "a:\n\thosts: {}", "networks: []", "[]", "networks: {arena: }"])
def test_wrong_files(tmp_path: Path, text: str) -> None:
    file = tmp_path / "event.yml"
    file.write_text(text)
    with pytest.raises(RehearsalError, match="ansible-inventory"):
        load_event(file)
