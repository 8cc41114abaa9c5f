# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Talking to a running Knot DNS server: by libknot where Debian's python3-libknot is installed, else by knotc."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

try:
    from libknot.control import KnotCtl, KnotCtlError, KnotCtlErrorConnect

    HAS_LIBKNOT = True
except ImportError:
    HAS_LIBKNOT = False

Row = tuple[str, int, str, str]
"""Name, TTL in seconds, type, data: one record as Knot prints it."""

RunCommand = Callable[[list[str]], tuple[int, str, str]]
"""Runs a program: exit status, standard output, standard error."""

TIMEOUT = 30
"""Seconds to wait for an answer; a dynamic update in progress holds the zone for much less."""


class ControlError(Exception):
    """Knot refused a command; the text is Knot's own."""


class NotRunningError(ControlError):
    """Nobody listens at the control socket."""


class NoSuchZoneError(ControlError):
    """The zone is not in Knot's configuration."""


class Control(Protocol):
    """Knot's control commands on zones."""

    def query(
        self,
        command: str,
        zone: str,
        *,
        owner: str | None = None,
        ttl: int | None = None,
        rtype: str | None = None,
        data: str | None = None,
    ) -> list[Row]:
        """Run C(command) and return the records it prints. Raises ControlError."""


class LibknotControl:
    """One connection to the control socket for all commands."""

    def __init__(self, socket: str) -> None:
        self._control = KnotCtl()
        self._control.set_timeout(TIMEOUT)
        try:
            self._control.connect(socket)
        except KnotCtlErrorConnect as error:
            raise NotRunningError(str(error)) from error

    def query(
        self,
        command: str,
        zone: str,
        *,
        owner: str | None = None,
        ttl: int | None = None,
        rtype: str | None = None,
        data: str | None = None,
    ) -> list[Row]:
        """Run C(command) and return the records it prints. Raises ControlError."""
        try:
            self._control.send_block(
                cmd=command, zone=zone, owner=owner, ttl=None if ttl is None else str(ttl), rtype=rtype, data=data
            )
            answer = self._control.receive_block()
        except KnotCtlError as error:
            raise _refusal(error.message) from error
        return _rows(answer) if owner is None else []


class KnotcControl:
    """A run of knotc for each command."""

    def __init__(self, socket: str, run_command: RunCommand) -> None:
        self._knotc = ["knotc", "-s", socket]
        self._run = run_command
        status, _output, errors = run_command([*self._knotc, "status"])
        if status:
            raise NotRunningError(errors.strip())

    def query(
        self,
        command: str,
        zone: str,
        *,
        owner: str | None = None,
        ttl: int | None = None,
        rtype: str | None = None,
        data: str | None = None,
    ) -> list[Row]:
        """Run C(command) and return the records it prints. Raises ControlError."""
        values = [zone, owner, None if ttl is None else str(ttl), rtype, data]
        status, output, errors = self._run([*self._knotc, command, *(value for value in values if value is not None)])
        if status:
            raise _refusal(errors.strip().removeprefix("error: "))
        return [_row(line) for line in output.splitlines() if line.startswith("[")] if owner is None else []


def connect(socket: str, run_command: RunCommand, knotc_installed: bool) -> Control:
    """Return a connection to the server behind C(socket), the path of its control socket. Raises NotRunningError."""
    if HAS_LIBKNOT:
        return LibknotControl(socket)
    if knotc_installed:
        return KnotcControl(socket, run_command)
    raise NotRunningError("neither python3-libknot nor knotc is installed")


def _refusal(message: str) -> ControlError:
    return NoSuchZoneError(message) if "no such zone" in message else ControlError(message)


def _rows(answer: dict[str, Any]) -> list[Row]:
    return [
        (owner, int(entry["ttl"]), rtype, data)
        for owners in answer.values()
        for owner, types in owners.items()
        for rtype, entry in types.items()
        for data in entry["data"]
    ]


def _row(line: str) -> Row:
    _zone, owner, ttl, rtype, data = line.split(" ", 4)
    return owner, int(ttl), rtype, data
