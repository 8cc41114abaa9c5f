# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The line between a plugged badge and a host: a pseudo-terminal, as slow as it should be.

It has no DTR and RTS. That a host opens it stands for the reset that it makes with them: from then on the badge is in
its ROM's loader.
"""

from __future__ import annotations

import contextlib
import os
import select
import termios
import threading
import time
import tty
from collections.abc import Callable

from .badge import Badge, UnpluggedError
from .slip import Unframer, frame

_CLOSED_PAUSE = 0.01
"""Seconds between two looks whether a host has opened the port."""
_CHUNK = 1 << 16
_OUTPUT_SPEED = 5
_BAUD_RATES = {getattr(termios, name): int(name[1:]) for name in dir(termios) if name[0] == "B" and name[1:].isdigit()}


class Line(threading.Thread):
    """Serves a badge until it is stopped or a fault pulls the badge off.

    :param on_pulled: called, with the seconds until the badge returns or None, before the host notices.
    """

    def __init__(self, badge: Badge, on_pulled: Callable[[Line, float | None], None]) -> None:
        super().__init__(name=f"badge {badge.mac}", daemon=True)
        self.badge = badge
        self.on_pulled = on_pulled
        self.master, slave = os.openpty()
        self.device = os.ttyname(slave)
        tty.setraw(slave)
        os.close(slave)
        os.set_blocking(self.master, False)
        self.wakeup, self.waker = os.pipe()
        self.poll = select.poll()
        self.poll.register(self.master, select.POLLIN)
        self.poll.register(self.wakeup, select.POLLIN)
        self.stopping = threading.Event()
        self.baud: int | None = None
        self.closed_at: float | None = None
        """When the last host closed the port, on the monotonic clock; None before."""
        self.received_at = self.sent_at = self.free_at = 0.0

    def stop(self) -> None:
        """Pull the badge off. The host's port is dead when this returns."""
        self.stopping.set()
        with contextlib.suppress(OSError):
            os.write(self.waker, b".")
        if threading.current_thread() is not self:
            self.join()

    def run(self) -> None:
        """Serve one host after another."""
        try:
            while not self.stopping.is_set():
                if self._is_closed():
                    self._discard()
                    self.stopping.wait(_CLOSED_PAUSE)
                else:
                    self.closed_at = None
                    self._serve()
                    self.closed_at = time.monotonic()
        except UnpluggedError as unplugged:
            self.on_pulled(self, unplugged.returns_after)
        finally:
            for descriptor in (self.master, self.wakeup, self.waker):
                os.close(descriptor)

    def _serve(self) -> None:
        """Serve a host until it closes the port."""
        self.badge.reset()
        self.baud = None
        unframer = Unframer()
        while not self.stopping.is_set():
            if self._is_closed(timeout=None):
                return
            try:
                received = os.read(self.master, _CHUNK)
            except BlockingIOError:
                continue
            except OSError:
                return
            if not self._is_understood():
                continue
            self.received_at = max(time.monotonic(), self.received_at) + len(received) / self._rate()
            for packet in unframer.packets(received):
                for action in self.badge.receive(packet):
                    if isinstance(action, float):
                        self.free_at = max(time.monotonic(), self.free_at) + action
                    else:
                        self._send(frame(action))
                if self.badge.loader.new_baud is not None:
                    self.baud, self.badge.loader.new_baud = self.badge.loader.new_baud, None

    def _rate(self) -> float:
        return self.badge.speed.line_rate(self.baud or 115200)

    def _is_understood(self) -> bool:
        """Whether the host's baud rate is the badge's: the ROM takes the host's, later it has to match. A badge's own
        USB has none."""
        if self.badge.speed.line:
            return True
        host = _BAUD_RATES.get(termios.tcgetattr(self.master)[_OUTPUT_SPEED])
        if self.baud is None:
            self.baud = host
        return host == self.baud

    def _send(self, data: bytes) -> None:
        """Send when all of the request has arrived and the badge is free."""
        now = time.monotonic()
        self.sent_at = max(now, self.received_at, self.free_at, self.sent_at) + len(data) / self._rate()
        if self.sent_at > now:
            self.stopping.wait(self.sent_at - now)
        while data and not self.stopping.is_set():
            try:
                data = data[os.write(self.master, data) :]
            except BlockingIOError:
                if self._is_closed():
                    return
                self.stopping.wait(0.001)
            except OSError:
                return

    def _is_closed(self, timeout: float | None = 0) -> bool:
        """Whether no host has the port open; waits timeout milliseconds, None for ever, for anything to happen."""
        events = dict(self.poll.poll(timeout))
        return bool(events.get(self.master, 0) & select.POLLHUP)

    def _discard(self) -> None:
        with contextlib.suppress(OSError):
            while os.read(self.master, _CHUNK):
                pass
