# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Descriptors of small files that stay open, as opening and closing one costs as much as reading it."""

from __future__ import annotations

import asyncio
import contextlib
import resource
from array import array
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary, finalize

from .layout import Layout, Run, close_all

# Those of a path that nobody asked for in so long are closed: they keep the disk space of what was deleted.
_IDLE_SECONDS = 30
# Connections and everything else need descriptors too: a quarter of all, and no fewer than this.
_OTHERS_SHARE = 0.25
_OTHERS_LEAST = 512


def allowed(wanted: int) -> int:
    """How many of ``wanted`` descriptors this process may use for this; raises its limit as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        # A sandbox may forbid it.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    if soft == resource.RLIM_INFINITY:
        return wanted
    return max(0, min(wanted, soft - max(_OTHERS_LEAST, int(soft * _OTHERS_SHARE))))


@dataclass(slots=True)
class _Opened:
    """The open files of a layout's runs."""

    descriptors: dict[Run, array[int]] = field(default_factory=dict)
    used: bool = True


class OpenFiles:
    """The open files of layouts, up to a number of them.

    Only the loop may read here: for a thread, another file could get the number of one that is closed meanwhile.
    """

    def __init__(self, limit: int) -> None:
        self._room = limit
        # A layout that is let go of takes its open files with it.
        self._opened = WeakKeyDictionary[Layout, _Opened]()
        self._sweeping: asyncio.TimerHandle | None = None

    def read(self, layout: Layout, run: Run, folder: int, view: memoryview) -> None:
        """Read a run of a layout as ``Run.read`` does without waiting, and keep its files open if there is room."""
        opened = self._opened.get(layout)
        if opened is None:
            opened = self._opened[layout] = _Opened()
            finalize(layout, self._close, opened.descriptors).atexit = False
        opened.used = True
        descriptors = opened.descriptors.get(run)
        if descriptors is None and len(run.sizes) <= self._room:
            descriptors = opened.descriptors[run] = run.open_all(folder)
            self._room -= len(descriptors)
            if self._sweeping is None:
                self._sweep_later()
        if descriptors is not None:
            run.read(descriptors, view, wait=False)
            return
        with contextlib.closing(run.open_each(folder)) as each:
            run.read(each, view, wait=False)

    def _close(self, opened: dict[Run, array[int]]) -> None:
        for descriptors in opened.values():
            close_all(descriptors)
            self._room += len(descriptors)
        opened.clear()

    def _sweep_later(self) -> None:
        self._sweeping = asyncio.get_running_loop().call_later(_IDLE_SECONDS, self._sweep)

    def _sweep(self) -> None:
        self._sweeping = None
        every = list(self._opened.values())
        for opened in every:
            if not opened.used:
                self._close(opened.descriptors)
            opened.used = False
        if any(opened.descriptors for opened in every):
            self._sweep_later()

    def close(self) -> None:
        """Close all of them, and keep none from now on."""
        for opened in list(self._opened.values()):
            self._close(opened.descriptors)
        self._room = 0
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
