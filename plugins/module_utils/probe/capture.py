# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A capture on a router: whether anything of its clients leaves by an uplink, while they try."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

from .command import PACKAGES
from .model import NotAskedError, Options, Seen

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


def capture(options: Options) -> Seen:
    """Capture for ``seconds`` on all interfaces and sort what was seen."""
    command = ["tcpdump", "-i", "any", "-nn", "-l", "--immediate-mode", "ip and not tcp port 22"]
    try:
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
        ) as tcpdump:
            time.sleep(options["seconds"])
            tcpdump.send_signal(signal.SIGINT)
            lines, complaint = tcpdump.communicate(timeout=options["timeout"] + 5)
    except FileNotFoundError as error:
        raise NotAskedError(f"tcpdump is not on this host: install {PACKAGES['tcpdump']}") from error
    if tcpdump.returncode != 0:
        raise NotAskedError(f"tcpdump: {complaint.strip().splitlines()[-1]}")
    clients, targets = ([IPv4Network(text) for text in options[name]] for name in ("clients", "targets"))
    return judge(sort(lines.splitlines(), options["uplinks"], clients, targets, options["marker"].lower()))
