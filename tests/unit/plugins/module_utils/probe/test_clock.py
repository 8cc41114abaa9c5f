"""Replies of time servers."""

from __future__ import annotations

import struct

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.probe import clock

NOW = 1_800_000_000.0


def reply(first: int = 0x24, stratum: int = 3, ahead: float = 0.0) -> bytes:
    """A reply that was received and sent ``ahead`` seconds after NOW."""
    seconds = int(NOW + ahead)
    fraction = int((NOW + ahead - seconds) * 2**32)
    stamp = [seconds + clock.EPOCH, fraction]
    return struct.pack("!BBBb11I", first, stratum, 0, 0, 0, 0, 0, *[0] * 4, *stamp, *stamp)


@pytest.mark.parametrize(
    ("message", "text", "right"),
    [
        (reply(), "stratum 3, +0.0 ms", True),
        (reply(ahead=0.5), "stratum 3, +500.0 ms", True),
        (reply(ahead=-2), "stratum 3, -2000.0 ms", False),
        (reply(first=0xE4), "not synchronised (stratum 3)", False),
        (reply(stratum=0), "not synchronised (stratum 0)", False),
        (reply(stratum=16), "not synchronised (stratum 16)", False),
        (b"\x24", "not an NTP reply", False),
    ],
)
def test_judgement(message: bytes, text: str, right: bool) -> None:
    """Synchronised and near enough."""
    seen = clock.judge(message, NOW, NOW, 1.0)
    assert (seen.text, seen.ok) == (text, right)
