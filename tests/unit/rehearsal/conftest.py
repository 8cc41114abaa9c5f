"""An event with everything the rehearsal treats specially."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.rehearsal.event import Event, load_event

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "rehearsal"


@pytest.fixture
def event() -> Event:
    """The alternative event."""
    return load_event(GOLDEN / "alternative.yml")
