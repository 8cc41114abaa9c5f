# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A slot's own process: esptool reports to one logger a process, and a slot that hangs or crashes stops no other."""

from __future__ import annotations

import functools
import os
import queue
import signal
import threading
import time
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from ..build import firmware_from_build
from ..errors import BadgeError, FaultyFlashError, FirmwareError, UnsuitableBadgeError
from ..flasher import flash
from ..image import Firmware
from ..result import Outcome, Phase, Progress
from .actions import Answer, Failure, Job, Success

# Spawned, not forked: a child that has its parent's files open would hold the ledger's lock after its parent's death.
_PROCESSES = get_context("spawn")
_PROGRESS_SECONDS = 0.2
_STOP_SECONDS = 2.0


class Worker:
    """The process of one slot, seen from the table. It ends when the table does, however that ends.

    :param build: folder of the firmware, which the process reads itself: starting it then waits for nothing.
    :param digest: of the firmware that the table has checked.
    """

    def __init__(self, build: str, digest: str, baud: int) -> None:
        self.connection, theirs = _PROCESSES.Pipe()
        self._process = _PROCESSES.Process(target=serve, args=(theirs, build, digest, baud), daemon=True)
        self._process.start()
        theirs.close()

    def start(self, job: Job) -> None:
        """Give it a job; it has none."""
        self.connection.send(job)

    def why_dead(self) -> str:
        """How the process ended."""
        self._process.join(_STOP_SECONDS)
        code = self._process.exitcode
        return f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"

    def stop(self) -> None:
        """End it at once, whatever it does."""
        self._process.terminate()
        self._process.join(_STOP_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.connection.close()


def serve(connection: Connection, build: str, digest: str, baud: int) -> None:
    """Carry out jobs until the table is gone."""
    # Ctrl-C reaches all processes of a terminal; the table decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    jobs: queue.Queue[Job] = queue.Queue()
    threading.Thread(target=_receive, args=(connection, jobs), daemon=True).start()
    while True:
        job = jobs.get()
        try:
            _send(connection, carry_out(job, _firmware(build, digest), baud, connection))
        except FirmwareError as error:
            _send(connection, Failure(str(error), error.advice))


@functools.cache
def _firmware(build: str, digest: str) -> Firmware:
    firmware = firmware_from_build(Path(build))
    if firmware.digest != digest:
        raise FirmwareError(f"{build}: it was built anew while the table runs; end it and start it again")
    return firmware


def _receive(connection: Connection, jobs: queue.Queue[Job]) -> None:
    try:
        while True:
            jobs.put(connection.recv())
    except (EOFError, OSError):
        # Nobody could write into the ledger what becomes of the badge: leave it now.
        os._exit(1)


def _send(connection: Connection, answer: Answer) -> None:
    try:
        connection.send(answer)
    except OSError:
        os._exit(1)


def carry_out(job: Job, firmware: Firmware, baud: int, connection: Connection) -> Success | Failure:
    """Do a job, telling how far it is a few times a second."""
    told: list[tuple[Phase, str, float]] = []

    def tell(progress: Progress) -> None:
        now = time.monotonic()
        if told and told[-1][:2] == (progress.phase, progress.region) and now - told[-1][2] < _PROGRESS_SECONDS:
            return
        told[:] = [(progress.phase, progress.region, now)]
        _send(connection, progress)

    try:
        outcome = flash(
            job.port,
            firmware,
            job.nvs,
            baud=baud,
            check=job.check or job.looks_only,
            on_progress=tell,
            expected_mac=job.mac or None,
        )
    except BadgeError as error:
        return Failure(str(error), error.advice, isinstance(error, (UnsuitableBadgeError, FaultyFlashError)))
    except Exception as error:
        # A mistake of ours is one badge's failure, not the slot's end.
        return Failure(f"{type(error).__name__}: {error}", "plug the badge in again, else call the crew")
    return _success(outcome)


def _success(outcome: Outcome) -> Success:
    return Success(outcome.mac, outcome.written, outcome.bytes_written, outcome.seconds, outcome.settings)
