"""Captures, from lines of tcpdump."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.probe import capture

ARRIVING = [
    "21:30:18.593111 eth2  In  IP 10.33.0.128 > 198.51.100.17: ICMP echo request, id 3221, seq 1, length 64",
    "21:30:18.600586 eth2  In  IP 10.33.0.128.34329 > 10.33.0.1.53: 3949+ [1au] A? tunnel-down-0.arena.example. (54)",
    "21:30:18.600746 eth2  Out IP 10.33.0.1.53 > 10.33.0.128.34329: 3949 ServFail- 0/0/1 (60)",
]
TUNNEL = "21:30:18.700000 eth0  Out IP 100.64.1.10.5000 > 203.0.113.66.5000: UDP, length 100"
UNTRANSLATED = "21:30:18.800000 eth0  Out IP 10.33.0.128.4242 > 1.1.1.1.80: Flags [S], length 0"
TRANSLATED = "21:30:18.800000 eth0  Out IP 100.64.1.10.4242 > 198.51.100.17.80: Flags [S], length 0"
QUERY = "21:30:18.800000 eth0  Out IP 100.64.1.10.53111 > 9.9.9.9.53: 4+ A? TUNNEL-down-0.arena.example. (54)"
ANSWER = "21:30:18.800000 eth0  In  IP 1.1.1.1.80 > 10.33.0.128.4242: Flags [S.], length 0"


def sort(*lines: str) -> capture.Traffic:
    """Sort a capture on a router with one uplink, eth0."""
    clients, targets = [IPv4Network("10.33.0.0/24")], [IPv4Network("198.51.100.0/24")]
    return capture.sort([*ARRIVING, *lines, "garbage"], ["eth0"], clients, targets, "tunnel-down")


def test_nothing_left() -> None:
    """The tunnel's own packets are nobody's business."""
    seen = capture.judge(sort(TUNNEL))
    assert (seen.text, seen.ok) == ("no packet, while 2 came in from clients", True)


@pytest.mark.parametrize("leak", [UNTRANSLATED, TRANSLATED, QUERY, ANSWER])
def test_leaks(leak: str) -> None:
    """A client's address, a target only clients have, a name only clients ask for."""
    seen = capture.judge(sort(TUNNEL, leak))
    assert not seen.ok
    assert seen.text == f"1 packets, first: {leak}"


def test_a_quiet_client_proves_nothing() -> None:
    """Nothing came in, so nothing could leave."""
    assert not capture.judge(capture.sort([TUNNEL], ["eth0"], [IPv4Network("10.33.0.0/24")], [], "")).ok
