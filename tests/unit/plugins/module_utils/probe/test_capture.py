"""Captures, from lines of tcpdump."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.probe import capture
from ansible_collections.nixvegas.noc.plugins.module_utils.probe.model import NotAskedError

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


OPTIONS = {
    "seconds": 600,
    "timeout": 0.2,
    "uplinks": ["eth0"],
    "clients": ["10.33.0.0/24"],
    "targets": ["198.51.100.0/24"],
    "marker": "tunnel-down",
}


class Router:
    """A router whose systemd runs tcpdump, which says what it is told to."""

    def __init__(self, folder: Path, error: str) -> None:
        self.folder, self.error, self.active = folder, error, False
        self.output = "\n".join([*ARRIVING, TRANSLATED])

    def run(self, command: Sequence[str], timeout: float) -> CompletedProcess[str]:
        """As command.run."""
        status = 0
        if command[0] == "systemd-run":
            assert "--property=RuntimeMaxSec=600" in command
            self.active = "listening" in self.error
            (self.folder / "error").write_text(self.error)
            (self.folder / "output").write_text(self.output)
        elif command[1] == "is-active":
            status = 0 if self.active else 3
        elif command[1] == "stop":
            self.active = False
        return CompletedProcess(command, status, "", "")


def router(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: str) -> Router:
    """The router as the probes meet it."""
    router = Router(tmp_path / "capture", error)
    monkeypatch.setattr(capture, "FOLDER", router.folder)
    monkeypatch.setattr(capture, "run", router.run)
    return router


def test_watching_until_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What was seen in between is sorted; nothing is left behind, and a second look has nothing to tell."""
    standing = router(monkeypatch, tmp_path, "tcpdump: listening on any\n")
    assert capture.watch(OPTIONS).ok
    assert standing.folder.stat().st_mode & 0o777 == 0o700
    assert capture.capture(OPTIONS).text == f"1 packets, first: {TRANSLATED}"
    assert (standing.active, standing.folder.exists()) == (False, False)
    with pytest.raises(NotAskedError, match="nobody watched to the end: a probe of kind watch must come before"):
        capture.capture(OPTIONS)


def test_a_capture_that_ended_early_proves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Although it saw no leak."""
    standing = router(monkeypatch, tmp_path, "tcpdump: listening on any\n")
    standing.output = "\n".join(ARRIVING)
    capture.watch(OPTIONS)
    standing.active = False
    with pytest.raises(NotAskedError, match="nobody watched to the end: tcpdump: listening"):
        capture.capture(OPTIONS)


def test_without_tcpdump(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Said at once, and in the row of the table."""
    router(monkeypatch, tmp_path, "Failed to find executable tcpdump\n")
    assert not capture.watch(OPTIONS).ok
    with pytest.raises(NotAskedError, match=r"is tcpdump installed\? Failed to find executable tcpdump"):
        capture.capture(OPTIONS)
