# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is counted, right across worker processes: one mapping that they share, made before they are forked.

Each worker adds in a row of its own, so that nothing is lost to races; a reader sums the rows. Cells, which the last
writer decides, and the set of paths that were told of already have one place for all.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import mmap
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

LOGGER = logging.getLogger("nar_server")
_MOST_SERIES = 1024
# The place of all counters that find no other one. Nobody reads it.
_SPARE = _MOST_SERIES - 1
_NAME_SIZE = 256
_SET_SIZE = 1 << 16
_MOST_STEPS = 64
_DOUBLE = struct.Struct("d")
_KEY = struct.Struct("Q")


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as Prometheus knows it: its kind is ``counter`` or ``gauge``."""

    name: str
    kind: str
    text: str


METRICS = {
    metric.name: metric
    for metric in (
        Metric("nar_server_requests_total", "counter", "Requests by view and by what was asked for."),
        Metric(
            "nar_server_responses_total",
            "counter",
            "Answers by status, but those to what is no request and those to mistakes of the server itself.",
        ),
        Metric("nar_server_sent_bytes_total", "counter", "Bytes of NARs sent, by view."),
        Metric("nar_server_sent_nars_total", "counter", "NARs, or ranges of them, sent to their end, by view."),
        Metric("nar_server_cut_total", "counter", "Connections cut since a NAR could not be finished."),
        Metric(
            "nar_server_withheld_paths_total",
            "counter",
            "Paths that were asked for and that nothing vouches for, by view.",
        ),
        Metric("nar_server_upstream_up", "gauge", "1 unless the upstream cache is left out after failures."),
        Metric("nar_server_upstream_requests_total", "counter", "Narinfos asked of upstream caches, by outcome."),
        Metric("nar_server_pulled_nars_total", "counter", "NARs fetched from upstream caches, by outcome."),
        Metric("nar_server_pulled_bytes_total", "counter", "Bytes of NARs fetched from upstream caches, unpacked."),
        Metric("nar_server_imports_total", "counter", "Pulled paths handed to Nix's daemon, by outcome."),
        Metric("nar_server_spool_bytes", "gauge", "Bytes of NARs in the spool."),
    )
}


def series(name: str, labels: dict[str, str]) -> str:
    """A series as it stands in the text format. KeyError when there is no such metric."""
    texts = (
        label_value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n") for label_value in labels.values()
    )
    joined = ",".join(f'{label}="{value}"' for label, value in zip(labels, texts, strict=True))
    return METRICS[name].name + (f"{{{joined}}}" if joined else "")


class NoPlaceError(Exception):
    """There is no place for a series."""


class Shared:
    """The mapping. ``workers`` is the most processes that count.

    Its first part names the series, so that all processes mean the same by a place, whoever counts it first.
    """

    def __init__(self, workers: int = 1) -> None:
        self.workers = workers
        self._row = 0
        self._rows_start = _MOST_SERIES * _NAME_SIZE
        self._set_start = self._rows_start + (workers + 1) * _MOST_SERIES * _DOUBLE.size
        size = self._set_start + _SET_SIZE * _KEY.size
        self._descriptor = os.memfd_create("nar-server-counters", os.MFD_CLOEXEC)
        os.ftruncate(self._descriptor, size)
        self._memory = mmap.mmap(self._descriptor, size)
        self._numbers = memoryview(self._memory)[self._rows_start : self._set_start].cast("d")
        self._places: dict[str, int] = {}

    def become(self, worker: int) -> None:
        """Count in the row of this worker (from 0) from now on."""
        self._row = worker

    def names(self) -> Iterator[tuple[str, int]]:
        """All series, with their places."""
        for place in range(_SPARE):
            raw = self._memory[place * _NAME_SIZE : (place + 1) * _NAME_SIZE].rstrip(b"\0")
            if not raw:
                return
            yield raw.decode(), place

    def place(self, name: str) -> int:
        """The number of a series, the same in all processes and after each reload. Raises NoPlaceError."""
        if name not in self._places:
            raw = name.encode()
            if len(raw) > _NAME_SIZE:
                raise NoPlaceError(f"the name of a series has more than {_NAME_SIZE} bytes: {name}")
            with self._alone():
                self._places.update(self.names())
                if name not in self._places:
                    if len(self._places) >= _SPARE:
                        raise NoPlaceError(
                            f"there are {_SPARE} series of metrics since the server started, and no more"
                        )
                    start = len(self._places) * _NAME_SIZE
                    self._memory[start : start + len(raw)] = raw
                    self._places[name] = len(self._places)
        return self._places[name]

    def add(self, place: int, amount: float) -> None:
        """Add in this worker's row."""
        self._numbers[self._row * _MOST_SERIES + place] += amount

    def counter(self, place: int) -> Counter:
        """What adds in the row that is this worker's by now."""
        return Counter(self._numbers, self._row * _MOST_SERIES + place)

    def total(self, place: int) -> float:
        """The sum of all workers' rows."""
        return sum(self.marked(worker, place) for worker in range(self.workers))

    def mark(self, place: int, value: float) -> None:
        """Write the cell of this worker's row."""
        self._numbers[self._row * _MOST_SERIES + place] = value

    def marked(self, worker: int, place: int) -> float:
        """Read that of any worker's row."""
        return self._numbers[worker * _MOST_SERIES + place]

    def set(self, place: int, value: float) -> None:
        """Write the cell that is everybody's."""
        self._numbers[self.workers * _MOST_SERIES + place] = value

    def get(self, place: int) -> float:
        """Read it."""
        return self.marked(self.workers, place)

    def first(self, text: str) -> bool:
        """Whether nobody has told of this text before; it has been from now on. False once too many were."""
        key = int.from_bytes(blake2b(text.encode(), digest_size=_KEY.size).digest(), "little") or 1
        there, _offset = self._look(key)
        if there:
            return False
        with self._alone():
            there, offset = self._look(key)
            if there or offset is None:
                return False
            _KEY.pack_into(self._memory, offset, key)
            return True

    def _look(self, key: int) -> tuple[bool, int | None]:
        """Whether a key is there; if not, the place for it, unless there is none left near where it belongs."""
        for step in range(_MOST_STEPS):
            offset = self._set_start + (key + step) % _SET_SIZE * _KEY.size
            (there,) = _KEY.unpack_from(self._memory, offset)
            if there == key:
                return True, offset
            if there == 0:
                return False, offset
        return False, None

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process does at the same time what is done in this context."""
        # Locks of this kind are each process's own, also those of a forked one.
        fcntl.lockf(self._descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN)


class Counter:
    """One series, for those who count in it for every request."""

    __slots__ = ("_cell", "_numbers")

    def __init__(self, numbers: memoryview[float], cell: int) -> None:
        self._numbers = numbers
        self._cell = cell

    def add(self, amount: float = 1) -> None:
        """Count."""
        self._numbers[self._cell] += amount


class Metrics:
    """Counters by name and labels."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._places: dict[tuple[str, tuple[str, ...]], int] = {}

    def _place(self, name: str, labels: dict[str, str]) -> int:
        key = (name, tuple(labels.values()))
        if key not in self._places:
            self._places[key] = self._place_or_spare(series(name, labels))
        return self._places[key]

    def _place_or_spare(self, text: str) -> int:
        """Requests are answered whether they are counted or not."""
        try:
            return self._shared.place(text)
        except NoPlaceError as problem:
            if self.first(str(problem)):
                LOGGER.error("%s is not counted: %s", text, problem)
            return _SPARE

    def first(self, text: str) -> bool:
        """Whether no worker has told of this text before (``Shared.first``)."""
        return self._shared.first(text)

    def add(self, name: str, amount: float = 1, **labels: str) -> None:
        """Count."""
        self._shared.add(self._place(name, labels), amount)

    def counter(self, name: str, **labels: str) -> Counter:
        """What counts in one series."""
        return self._shared.counter(self._place(name, labels))

    def value(self, name: str, **labels: str) -> float:
        """What all workers have counted; 0 when it is not counted."""
        place = self._place(name, labels)
        return 0 if place == _SPARE else self._shared.total(place)

    def render(self, gauges: dict[str, float]) -> str:
        """Prometheus' text format; ``gauges`` are series that are known only now."""
        values = {text: self._shared.total(place) for text, place in self._shared.names()} | gauges
        lines = []
        for name, metric in METRICS.items():
            of_name = [text for text in values if text.partition("{")[0] == name]
            if of_name:
                lines += [f"# HELP {name} {metric.text}", f"# TYPE {name} {metric.kind}"]
                lines += [f"{text} {values[text]:.17g}" for text in of_name]
        return "\n".join([*lines, ""])
