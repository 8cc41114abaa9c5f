# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The run: asks what is in the slots, gives workers their jobs, writes the ledger, shows it all, until it is to end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from multiprocessing.connection import wait

from .actions import Action, Answer, Failure, Job, Say, Success, Write
from .face import Face
from .ledger import Ledger
from .slot import Presence
from .source import Source
from .table import Table
from .worker import Worker

TICK = 0.2
"""Seconds between two looks into the slots."""
STALL = 120.0
"""Seconds without a word after which a worker is taken for stuck."""
_AGAIN = "plug the badge in again"


class Run:
    """One run of a table.

    :param new_worker: starts the process of a slot.
    :param ledger: None writes nothing, for check mode.
    :param idle: seconds after the last event at which it ends by itself; None: it goes on until it is told to end.
    """

    def __init__(
        self,
        table: Table,
        *,
        new_worker: Callable[[], Worker],
        source: Source,
        ledger: Ledger | None,
        face: Face,
        idle: float | None,
    ) -> None:
        self.table, self.source, self.ledger, self.face, self.idle = table, source, ledger, face, idle
        self._new_worker = new_worker
        self._workers: dict[str, Worker] = {}
        self._heard: dict[str, float] = {}
        """When a slot's worker last said something, for those that have a job."""
        self._ends_wanted = 0
        self._last_event = time.monotonic()

    def end(self, at_once: bool = False) -> None:
        """End when the badges in work are finished; called a second time, at once. Signal handlers may call it."""
        self._ends_wanted += 2 if at_once else 1

    def run(self) -> None:
        """Until all is over. Raises LedgerError."""
        try:
            if self.idle is None:
                for slot in self.table.slots:
                    self._worker(slot.name)
            self._step()
            while not self._is_over():
                self._listen()
                self._step()
        finally:
            for worker in self._workers.values():
                worker.stop()

    def _is_over(self) -> bool:
        if self.table.is_busy:
            return False
        quiet = time.monotonic() - self._last_event
        return self.table.ending or (self.idle is not None and quiet >= self.idle)

    def _step(self) -> None:
        if self._ends_wanted:
            self.table.ending = True
        if self._ends_wanted > 1:
            for name in list(self._heard):
                self._give_up(name, Failure("the run was ended before the badge was finished", _AGAIN))
        for name, heard in list(self._heard.items()):
            if time.monotonic() - heard > STALL:
                self._give_up(name, Failure(f"nothing happened for {STALL:.0f} s", _AGAIN))
        self._do(self.table.see(self.source(), time.monotonic()))
        self.face.show(self.table)

    def _listen(self) -> None:
        """Wait a moment for workers and keys."""
        names = {worker.connection: name for name, worker in self._workers.items()}
        for ready in wait([*names, *self.face.inputs], TICK):
            if isinstance(ready, int):
                self._ends_wanted += self.face.ends_wanted()
            else:
                self._hear(names[ready])  # type: ignore[index]  # the connections came from there

    def _hear(self, name: str) -> None:
        """All that a worker has said."""
        connection = self._workers[name].connection
        try:
            while name in self._workers and connection.poll():
                answer: Answer = connection.recv()
                self._heard[name] = time.monotonic()
                self._answer(name, answer)
        except (EOFError, OSError):
            worker = self._workers.pop(name)
            why = worker.why_dead()
            worker.stop()
            if name in self._heard:
                self._answer(name, Failure(f"the program of this slot ended with {why}", _AGAIN))

    def _give_up(self, name: str, failure: Failure) -> None:
        self._workers.pop(name).stop()
        self._answer(name, failure)

    def _answer(self, name: str, answer: Answer) -> None:
        if isinstance(answer, (Success, Failure)):
            del self._heard[name]
        found: Presence | None = self.source().get(name)
        self._do(self.table.answer(name, answer, found, time.monotonic()))

    def _do(self, actions: Iterable[Action]) -> None:
        for action in actions:
            self._last_event = time.monotonic()
            match action:
                case Write(record) if self.ledger is not None:
                    self.ledger.append(record)
                case Say(text):
                    self._say(text)
                case Job():
                    self._heard[action.slot] = time.monotonic()
                    self._worker(action.slot).start(action)

    def _say(self, text: str) -> None:
        try:
            self.face.say(text)
        except BrokenPipeError:
            # Nobody reads on: the badges in work are finished, and no others are begun.
            self._ends_wanted = max(self._ends_wanted, 1)

    def _worker(self, name: str) -> Worker:
        if name not in self._workers:
            self._workers[name] = self._new_worker()
        return self._workers[name]
