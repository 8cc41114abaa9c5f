# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names: what a resolver answers, asked with C(kdig)."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from .command import run
from .links import lease_in
from .model import Options, Seen

STATUS = {0: "no such record", 1: "FORMERR", 2: "SERVFAIL", 3: "no such name", 4: "NOTIMP", 5: "REFUSED"}


@dataclass(frozen=True)
class Reply:
    """A resolver's answer: data of the asked type, or why there is none."""

    data: tuple[str, ...]
    problem: str = ""

    def __str__(self) -> str:
        """The data, or the problem."""
        return ", ".join(self.data) or self.problem


def plain(text: str) -> str:
    """A name or other data as the event file writes it: lower case, without the final dot."""
    return text.lower().removesuffix(".")


def parse(message: Mapping[str, Any], record_type: str) -> Reply:
    """The answer in a DNS message in JSON (RFC 8427); kdig may also write out the query that went unanswered."""
    data = tuple(
        plain(record[f"rdata{record_type}"])
        for record in message.get("answerRRs", [])
        if record["TYPEname"] == record_type
    )
    if data or not message.get("QR"):
        return Reply(data, "" if data else "no answer")
    return Reply((), STATUS.get(message["RCODE"], f"code {message['RCODE']}"))


def ask(name: str, record_type: str, server: str | None, timeout: float, tcp: bool = False) -> Reply:
    """Ask ``server`` (an address; the system's resolvers without one). No answer in time is a reply, too."""
    command = ["kdig", "+json", f"+timeout={max(1, round(timeout))}", "+retry=0", *(["+tcp"] if tcp else [])]
    # kdig asks each of the system's resolvers in turn, IPv4 and IPv6
    answer = run([*command, *([f"@{server}"] if server else []), name, record_type], timeout * 4 + 2)
    try:
        return parse(json.loads(answer.stdout), record_type)
    except ValueError:
        return Reply((), "no answer")


def same(expected: Sequence[str], reply: Reply) -> bool:
    """Whether a reply has just the expected data, in any order; nothing expected means there must be none."""
    return sorted(map(plain, expected)) == sorted(reply.data)


def resolve(options: Options) -> Seen:
    """The data of a name."""
    tcp = options["protocol"] == "tcp"
    reply = ask(options["name"], options["type"], options["server"], options["timeout"], tcp)
    return Seen(str(reply), same(options["expected"], reply))


def own_name(options: Options) -> Seen:
    """Whether the name this client got by its lease points to the leased address, and back (type PTR)."""
    leased = lease_in(options["network"], options["timeout"])["address"][0]
    name = f"{socket.gethostname().split('.')[0]}.{options['domain']}".lower()
    asked, expected = (name, leased)
    if options["type"] == "PTR":
        asked, expected = (IPv4Address(leased).reverse_pointer, name)
    reply = ask(asked, options["type"], options["server"], options["timeout"])
    return Seen(f"{asked}: {reply}", same([expected], reply))
