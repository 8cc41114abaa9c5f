"""What people do with the clients, which nobody manages: trust the event's authority, and plug the cable in."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from .command import RehearsalError
from .containers import Containers
from .plan import Plan
from .wiring import plug

EVENT_CA = "/usr/local/share/ca-certificates/event.crt"
WAIT = ["/usr/lib/systemd/systemd-networkd-wait-online", "--interface=eth0", "--ipv4", "--timeout=20"]


def connect(containers: Containers, plan: Plan, authority: Path) -> None:
    """Make the clients trust the certificate authority, if there is one, and get addresses. What they have is kept."""
    running = containers.running()
    for client in [client for client in plan.of_kind("client") if client.name in running]:
        if authority.exists():
            _trust(containers, client.name, authority.read_text())
        if not _has_address(containers, client.name):
            # It has asked in vain for long, and would wait before it asks again.
            plug(containers.holder, plan, client.name)
            with suppress(RehearsalError):  # a client without a lease is for verify.yml to report
                containers.execute(client.name, WAIT)


def _trust(containers: Containers, name: str, certificate: str) -> None:
    trusted = containers.holder.path(containers.root(name)) / EVENT_CA.lstrip("/")
    if not trusted.exists() or trusted.read_text() != certificate:
        trusted.write_text(certificate)
        containers.execute(name, ["update-ca-certificates"])


def _has_address(containers: Containers, name: str) -> bool:
    (link,) = json.loads(containers.execute(name, ["ip", "-json", "-4", "address", "show", "dev", "eth0"])) or [{}]
    return bool(link.get("addr_info"))
