# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main process: it keeps workers running on the same sockets, and speaks with systemd for all of them.

It has neither an event loop nor threads nor a database open, so that it can fork another worker at any time.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import multiprocessing
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from pathlib import Path

from . import advice
from .config import Config, load_config
from .keys import KeyFormatError
from .metrics import Shared
from .options import Address, ConfigError
from .serving import GRACE_SECONDS, HEARTBEAT, Common, work
from .signals import RELOADING, STOPPING, arriving, held_back
from .site import check
from .systemd import notify, notify_reloading, watchdog_seconds

LOGGER = logging.getLogger("nar_server")
_FORK = multiprocessing.get_context("fork")
_RESTART_SECONDS = 1.0
# Workers that have not ended so long after they should have are killed.
_KILL_SECONDS = GRACE_SECONDS + 5


@dataclass
class Worker:
    """A process that serves. ``awaited``: how many configurations it has yet to say it serves."""

    number: int
    process: ForkProcess
    control: Connection
    awaited: int = 1
    silent: bool = False


class Supervisor:
    """Serves a configuration with several processes."""

    def __init__(self, path: Path, config: Config, sockets: Sequence[socket.socket]) -> None:
        """``path``: the file to read again when told to. Raises ConfigError, KeyFormatError or OSError."""
        shared = Shared(config.workers)
        check(config, shared)
        self._path = path
        self._config = config
        self._watchdog = watchdog_seconds()
        beat_every = None if self._watchdog is None else self._watchdog / 6
        self._common = Common(shared, sockets, beat_every)
        self._heartbeat = shared.place(HEARTBEAT)
        self._workers: dict[int, Worker] = {}
        self._restarts: dict[int, float] = {}
        # What to tell once all workers serve; nothing when that has been told.
        self._news: str | None = f"serving {described(config)} on {', '.join(map(bound_to, sockets))}"
        self._serving = False
        self._stopping = False
        self._kill_at: float | None = None
        self._next_ping = 0.0
        self._status = 0

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; the exit status."""
        # What is there now is not written to any more: workers share its memory.
        gc.freeze()
        with arriving() as signals:
            for number in range(self._config.workers):
                self._start(number)
            while self._workers or not self._stopping:
                self._wait(signals)
        return self._status

    def _start(self, number: int) -> None:
        ours, theirs = _FORK.Pipe()
        foreign = [ours, *(worker.control for worker in self._workers.values())]
        process = _FORK.Process(
            target=work,
            args=(number, self._config, self._common, theirs, foreign),
            name=f"worker {number}",
        )
        # Until it has a way of its own to take them.
        with held_back():
            process.start()
        theirs.close()
        self._workers[number] = Worker(number, process, ours)

    def _wait(self, signals: socket.socket) -> None:
        """Wait for something to happen, and see to it."""
        controls = [worker.control for worker in self._workers.values() if not worker.silent]
        sentinels = [worker.process.sentinel for worker in self._workers.values()]
        times = [*self._restarts.values(), *([self._kill_at] if self._kill_at is not None else [])]
        if self._watchdog is not None and not self._stopping:
            times.append(self._next_ping)
        timeout = max(0.0, min(times) - time.monotonic()) if times else None
        ready = wait([signals, *controls, *sentinels], timeout)
        for worker in list(self._workers.values()):
            if worker.control in ready:
                self._hear(worker)
            if worker.process.sentinel in ready:
                self._ended(worker)
        if signals in ready:
            for number in signals.recv(4096):
                self._signalled(number)
        self._due()

    def _due(self) -> None:
        """Do what it is time for."""
        now = time.monotonic()
        for number in [number for number, at in self._restarts.items() if at <= now]:
            del self._restarts[number]
            self._start(number)
        if self._kill_at is not None and self._kill_at <= now:
            self._kill_at = None
            for worker in self._workers.values():
                LOGGER.error("%s does not end: killed", worker.process.name)
                worker.process.kill()
        if self._watchdog is not None and self._next_ping <= now and not self._stopping:
            self._next_ping = now + self._watchdog / 3
            if all(self._alive(number, now) for number in range(self._config.workers)):
                notify("WATCHDOG=1")

    def _alive(self, number: int, now: float) -> bool:
        """Whether a worker is there and its loop has run lately."""
        last = self._common.shared.marked(number, self._heartbeat)
        return number in self._workers and self._watchdog is not None and now - last < self._watchdog / 2

    def _hear(self, worker: Worker) -> None:
        try:
            worker.control.recv()
        except (EOFError, OSError):
            worker.silent = True
            return
        worker.awaited -= 1
        self._tell_news()

    def _tell_news(self) -> None:
        everybody = len(self._workers) == self._config.workers
        if self._news is None or not everybody or any(worker.awaited for worker in self._workers.values()):
            return
        LOGGER.info("%s", self._news)
        self._news = None
        self._serving = True
        notify("READY=1")

    def _ended(self, worker: Worker) -> None:
        worker.process.join()
        worker.control.close()
        del self._workers[worker.number]
        if self._stopping:
            return
        how = f"{worker.process.name} (process {worker.process.pid}) ended with status {worker.process.exitcode}"
        if not self._serving:
            LOGGER.error("%s before it served", how)
            self._status = 1
            self._stop()
            return
        # What it was fetching is removed. If there is more to say, the next one says it.
        with contextlib.suppress(Exception):
            check(self._config, self._common.shared)
        LOGGER.error("%s: another one takes its place in %g s", how, _RESTART_SECONDS)
        self._restarts[worker.number] = time.monotonic() + _RESTART_SECONDS

    def _signalled(self, number: int) -> None:
        if number == RELOADING:
            self._reload()
        elif number in STOPPING:
            self._stop()

    def _stop(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        notify("STOPPING=1")
        self._restarts.clear()
        for listener in self._common.sockets:
            listener.close()
        for worker in self._workers.values():
            worker.process.terminate()
        self._kill_at = time.monotonic() + _KILL_SECONDS

    def _reload(self) -> None:
        """Read the configuration again; one that has mistakes changes nothing."""
        if self._stopping:
            return
        notify_reloading()
        try:
            read = load_config(self._path)
            # Rows of counters were made for as many workers as there are.
            config = replace(read, listen=self._config.listen, workers=self._config.workers)
            check(config, self._common.shared)
            self._check_new_stores(config)
        except Exception as problem:
            # Whatever it is, this process goes on.
            expected = isinstance(problem, ConfigError | KeyFormatError | OSError | ModuleNotFoundError)
            # What is found out later than by reading the file is in it all the same.
            file = f"{self._path}: " if isinstance(problem, ConfigError | KeyFormatError) else ""
            for line in str(problem).splitlines() or [repr(problem)]:
                told = file + line.removeprefix(file)
                LOGGER.error("not reloaded, the old configuration stays: %s", told, exc_info=not expected)
            # What is still awaited is told of when it has come.
            if self._news is None:
                notify("READY=1")
            return
        for option in ("listen", "workers"):
            if getattr(read, option) != getattr(config, option):
                LOGGER.warning("'%s' takes effect when the server restarts", option)
        for warning in advice.warnings(config):
            LOGGER.warning("%s", warning)
        self._config = config
        self._news = f"reloaded: serving {described(config)}"
        for worker in self._workers.values():
            with contextlib.suppress(OSError):
                worker.control.send(self._config)
                worker.awaited += 1

    def _check_new_stores(self, config: Config) -> None:
        """A store that was served already may be unreadable just now; another one must not take its place unread."""
        known = self._config.stores.values()
        if mistakes := advice.unreadable(store for store in config.served_stores.values() if store not in known):
            raise ConfigError("\n".join(mistakes))


def described(config: Config) -> str:
    """What is served, in a line."""
    return ", ".join(f"{view.name} ({config.stores[view.store].directory}, {view.priority})" for view in config.views)


def bound_to(listener: socket.socket) -> str:
    """Where a socket listens."""
    name = listener.getsockname()
    return str(Address(name[0], name[1])) if isinstance(name, tuple) else str(name)
