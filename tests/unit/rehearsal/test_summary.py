"""The printed summary."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.nixvegas.noc.rehearsal.event import Event
from ansible_collections.nixvegas.noc.rehearsal.replace import Replacement
from ansible_collections.nixvegas.noc.rehearsal.summary import Line, render


def test_summary(event: Event, golden: Callable[[str, str], None]) -> None:
    lines = [
        Line("gate", "router", {"wlan0": ["172.31.2.100"], "lan0": ["172.31.0.1"]}),
        Line("rehearsal-laptop", "client on guests", {}),
    ]
    replaced = [Replacement("gate", "radio wlan0", "a cable to uplink hotel", "a container has no radio")]
    seconds = {"Boot 7 containers": 6.21, "playbooks/site.yml": 142.5}
    golden("rehearsal/alternative.summary", render(event, lines, replaced, seconds, " EVENT=inventories/mine") + "\n")
