# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring one badge to a firmware and settings: look, plan, write what differs, reconnect when the connection breaks."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from .errors import BadgeError, FaultyFlashError, LostBadgeError, OtherBadgeError, PortError, SilentBadgeError
from .image import Firmware, Region
from .plan import Plan, make_plan
from .result import OnProgress, Outcome, Phase, Progress
from .session import GONE_ERRORS, PROTOCOL_ERRORS, Session

DEFAULT_BAUD = 460800
"""For badges behind a serial converter; over their own USB the number means nothing."""
ATTEMPTS = 5
"""Connections made in one run at most."""
WRITES = 3
"""How often one region is written at most."""
PATIENCE = 10.0
"""Seconds that a badge whose connection broke may stay away."""
_PAUSE = 0.1


def flash(
    port: str,
    firmware: Firmware,
    nvs: bytes | None,
    *,
    baud: int = DEFAULT_BAUD,
    check: bool = False,
    on_progress: OnProgress | None = None,
    expected_mac: str | None = None,
    patience: float = PATIENCE,
) -> Outcome:
    """Bring the badge at a port to this firmware and, unless None, these settings, and start it.

    :param port: device, better a stable name such as the role badge makes (a badge may come back under another number).
    :param nvs: image of the whole nvs partition.
    :param baud: speed after connecting, in bit/s.
    :param check: only look; the outcome then says what would be written.
    :param on_progress: called often, in this thread.
    :param expected_mac: refuse every other badge.
    :param patience: seconds to wait for a badge that went away in the middle.
    :raises BadgeError: if the badge does not hold everything, verified, at the end; its `advice` says what to do.
    """
    job = _Job(port, firmware.with_nvs(nvs), baud, check, on_progress, patience)
    job.mac = expected_mac.lower() if expected_mac else ""
    return job.run()


@dataclass
class _Job:
    """One run, which may need several sessions."""

    port: str
    regions: tuple[Region, ...]
    baud: int
    check: bool
    on_progress: OnProgress | None
    patience: float
    mac: str = ""
    attempt: int = 1
    first: Plan | None = None
    """The plan of the first session that got so far: what the whole run is about."""
    bytes_written: int = 0
    begun: set[str] = field(default_factory=set)
    """Names of regions whose write was begun."""
    writes: Counter[str] = field(default_factory=Counter)
    """How often a region's write ended without proof that it is in the flash."""
    failures: list[Exception] = field(default_factory=list)

    def run(self) -> Outcome:
        started = time.monotonic()
        while True:
            self._tell(Phase.CONNECT)
            try:
                with Session(self.port, self.baud) as session:
                    plan = self._bring(session)
                    session.reset()
                    self._tell(Phase.DONE, done=plan.size, total=plan.size)
                    return self._outcome(session, self.first or plan, time.monotonic() - started)
            except PortError as error:
                if not self.failures:
                    raise
                self._failed(error)
            except (*GONE_ERRORS, *PROTOCOL_ERRORS) as error:
                self._failed(error)
            self.attempt += 1

    def _bring(self, session: Session) -> Plan:
        """Look, plan and, unless in check mode, write. Returns this session's plan."""
        if self.mac and session.mac != self.mac:
            raise OtherBadgeError(
                f"{self.port}: badge {session.mac} is there in place of {self.mac}; nothing was written"
            )
        self.mac = session.mac
        self._tell(Phase.COMPARE)
        plan = make_plan(self.regions, session.look(self.regions), self.begun)
        if self.first is None:
            self.first = plan
        if self.check:
            return plan
        done = 0
        for region in plan.write:
            if self.writes[region.name] >= WRITES:
                raise FaultyFlashError(
                    f"{self.port}: region {region} of {self.mac} still differs after {WRITES} writes"
                    f" (last: {_words(self.failures[-1])})"
                ) from self.failures[-1]
            self._write(session, region, done, plan.size)
            done += len(region.data)
        return plan

    def _write(self, session: Session, region: Region, before: int, total: int) -> None:
        self._tell(Phase.WRITE, region.name, before, total)
        self.begun.add(region.name)
        try:
            session.write(region, lambda done: self._tell(Phase.WRITE, region.name, before + done, total))
        except PROTOCOL_ERRORS:
            self.writes[region.name] += 1
            raise
        self.bytes_written += len(region.data)

    def _failed(self, error: Exception) -> None:
        """Note a broken connection and wait for the badge. Raises BadgeError when it was one too many."""
        self.failures.append(error)
        gone = any(isinstance(failure, (*GONE_ERRORS, PortError)) for failure in self.failures)
        kind: type[BadgeError] = LostBadgeError if gone or self.first else SilentBadgeError
        if self.attempt >= ATTEMPTS or (kind is SilentBadgeError and self.attempt >= ATTEMPTS - 2):
            raise kind(
                f"{self.port}: {self.mac or 'the badge'} was not flashed in {self.attempt} attempts"
                f" (last: {_words(error)})"
            ) from error
        deadline = time.monotonic() + self.patience
        while not Path(self.port).exists():
            if time.monotonic() > deadline:
                raise LostBadgeError(
                    f"{self.port}: {self.mac or 'the badge'} went away ({_words(error)}) and did not come back"
                    f" within {self.patience:g} s"
                ) from error
            time.sleep(_PAUSE)
        time.sleep(_PAUSE)

    def _outcome(self, session: Session, plan: Plan, seconds: float) -> Outcome:
        """What was done in all sessions; plan: that of the first."""
        return Outcome(
            port=self.port,
            mac=session.mac,
            chip=session.chip,
            written=tuple(region.name for region in plan.write),
            kept=tuple(region.name for region in plan.keep),
            settings=plan.settings,
            diff=(plan.before, plan.after),
            bytes_written=self.bytes_written,
            seconds=seconds,
            reconnects=self.attempt - 1,
        )

    def _tell(self, phase: Phase, region: str = "", done: int = 0, total: int = 0) -> None:
        if self.on_progress is None:
            return
        try:
            self.on_progress(Progress(self.port, phase, region, done, total, self.mac, self.attempt))
        except (*GONE_ERRORS, *PROTOCOL_ERRORS) as error:
            # Of the listener's errors none may be taken for one of the line's.
            raise RuntimeError(f"on_progress failed: {error!r}") from error


def _words(error: Exception) -> str:
    """An error's first line without its full stop."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(".")
