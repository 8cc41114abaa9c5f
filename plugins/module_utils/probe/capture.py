# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A capture on a router: whether anything of its clients leaves by an uplink, while they try."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from .command import PACKAGES, run
from .model import NotAskedError, Options, Seen

UNIT = "nixvegas-noc-capture.service"
FOLDER = Path("/run/nixvegas-noc-capture")
TCPDUMP = ("tcpdump", "-i", "any", "-nn", "-l", "--immediate-mode", "ip and not tcp port 22")
READY = "listening on"  # what tcpdump says when it misses nothing any more
STOPPING = 10.0  # seconds

# One line of `tcpdump -i any -nn`: time, interface, direction, protocol, source > destination: the rest
LINE = re.compile(
    r"\S+ (?P<interface>\S+)\s+(?P<direction>In|Out|B|M|P)\s+IP "
    r"(?P<source>\d+\.\d+\.\d+\.\d+)\S* > (?P<destination>\d+\.\d+\.\d+\.\d+)"
)


@dataclass
class Traffic:
    """A capture, as far as it is about clients: how many packets came in from them, which left by an uplink."""

    arrived: int = 0
    leaked: list[str] = field(default_factory=list)


def within(address: str, networks: Iterable[IPv4Network]) -> bool:
    """Whether an address is in one of the networks."""
    return any(IPv4Address(address) in network for network in networks)


def sort(
    lines: Iterable[str],
    uplinks: Sequence[str],
    clients: Sequence[IPv4Network],
    targets: Sequence[IPv4Network],
    marker: str,
) -> Traffic:
    """Sort a capture's lines.

    A packet on an uplink is a client's when it has a client's address, goes to one of the ``targets`` only clients ask
    (translated addresses do not hide it), or mentions the ``marker`` only clients ask for.
    """
    traffic = Traffic()
    for line in lines:
        if not (match := LINE.match(line)):
            continue
        if match["interface"] not in uplinks:
            traffic.arrived += match["direction"] == "In" and within(match["source"], clients)
        elif (
            within(match["source"], clients)
            or within(match["destination"], [*clients, *targets])
            or (marker and marker in line.lower())
        ):
            traffic.leaked.append(line.strip())
    return traffic


def judge(traffic: Traffic) -> Seen:
    """Right when clients tried and nothing left."""
    if traffic.leaked:
        return Seen(f"{len(traffic.leaked)} packets, first: {traffic.leaked[0]}", False)
    if not traffic.arrived:
        return Seen("no packet came in from a client: nothing is proven", False)
    return Seen(f"no packet, while {traffic.arrived} came in from clients", True)


def watch(options: Options) -> Seen:
    """Start a capture on all interfaces, which runs until its traffic is asked for, for at most ``seconds``."""
    _stop()
    FOLDER.mkdir(mode=0o700)
    files = [f"--property=Standard{name}=file:{FOLDER / name.lower()}" for name in ("Output", "Error")]
    limits = [f"--property=RuntimeMaxSec={options['seconds']:g}", "--collect", "--quiet"]
    started = run(["systemd-run", f"--unit={UNIT}", *limits, *files, *TCPDUMP], options["timeout"])
    deadline = time.monotonic() + options["timeout"]
    while started.returncode == 0 and READY not in _text("error") and time.monotonic() < deadline:
        time.sleep(0.1)
    if READY in _text("error"):
        return Seen("watching", True)
    complaint = f"{started.stderr}{_text('error')}".strip().splitlines()[-1:]
    run(["systemctl", "stop", UNIT], STOPPING)
    text = " ".join([f"tcpdump does not start on this router: is {PACKAGES['tcpdump']} installed?", *complaint])
    (FOLDER / "error").write_text(text)
    return Seen(text, False)


def capture(options: Options) -> Seen:
    """End the capture and sort what was seen."""
    watching = run(["systemctl", "is-active", "--quiet", UNIT], options["timeout"]).returncode == 0
    run(["systemctl", "stop", UNIT], STOPPING)
    lines, complaint = _text("output").splitlines(), _text("error").strip()
    _stop()
    if not watching:
        raise NotAskedError(f"nobody watched to the end: {complaint or 'a probe of kind watch must come before'}")
    clients, targets = ([IPv4Network(text) for text in options[name]] for name in ("clients", "targets"))
    return judge(sort(lines, options["uplinks"], clients, targets, options["marker"].lower()))


def _text(name: str) -> str:
    try:
        return (FOLDER / name).read_text(errors="replace")
    except FileNotFoundError:
        return ""


def _stop() -> None:
    """Leave nothing of a capture, also of one that was interrupted."""
    run(["systemctl", "stop", UNIT], STOPPING)
    shutil.rmtree(FOLDER, ignore_errors=True)
