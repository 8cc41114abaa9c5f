"""The printed summary."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.nixvegas.noc.rehearsal.event import Event
from ansible_collections.nixvegas.noc.rehearsal.overlay import open_pages
from ansible_collections.nixvegas.noc.rehearsal.replace import Replacement
from ansible_collections.nixvegas.noc.rehearsal.summary import Line, render


def test_summary(event: Event, golden: Callable[[str, str], None]) -> None:
    lines = [
        Line("gate", "router", {"wlan0": ["172.31.2.100"], "lan0": ["172.31.0.1"]}),
        Line("rehearsal-laptop", "client on guests", {}, ["https://cache.camp.example/nix-cache-info"]),
        Line("crew", "client on staff", {"eth0": ["172.31.0.200"]}),
    ]
    replaced = [Replacement("gate", "radio wlan0", "a cable to uplink hotel", "a container has no radio")]
    seconds = {"Boot 7 containers": 6.21, "playbooks/site.yml": 142.5}
    golden("rehearsal/alternative.summary", render(event, lines, replaced, seconds, " EVENT=inventories/mine") + "\n")


def test_pages_are_those_that_a_network_can_open() -> None:
    promises = {
        "verify_address_page": "http://address.example/",
        "verify_egress": {"arena": "203.0.113.66"},
        "verify_caches": [{"url": "https://cache.example", "networks": ["arena", "noc"]}],
    }
    outside, cache = "http://address.example/", "https://cache.example/nix-cache-info"
    assert open_pages("arena", promises) == [outside, cache]
    assert open_pages("noc", promises) == [cache]
    assert open_pages("build", promises) == []
