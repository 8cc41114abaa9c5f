# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where people see the table: a full screen on a terminal, or lines."""

from __future__ import annotations

import contextlib
import os
import re
import termios
import time
import tty
from collections.abc import Sequence
from typing import Protocol, TextIO

from . import screen
from .table import Table

KEYS = "q or Ctrl-C: end"
_END_KEYS = re.compile(rb"[qQ\x03]")
_REDRAW_KEY = b"\x0c"
# ECMA-48 and xterm's control sequences: other screen, cursor hidden, from the upper left corner, erase the rest.
_ENTER, LEAVE = "\x1b[?1049h\x1b[?25l\x1b[2J", "\x1b[0m\x1b[?25h\x1b[?1049l"
_HOME, _ERASE_BELOW = "\x1b[H", "\x1b[J"


class Face(Protocol):
    """What a run needs of it. inputs: descriptors that become readable when somebody types."""

    inputs: Sequence[int]

    def say(self, text: str) -> None:
        """Tell what happened."""

    def show(self, table: Table) -> None:
        """Show how things are."""

    def ends_wanted(self) -> int:
        """How often somebody has typed that the run be ended, since the last call."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class Lines:
    """A line for everything that happens, with the time of day."""

    inputs: Sequence[int] = ()

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def say(self, text: str) -> None:
        self._stream.write(f"{time.strftime('%H:%M:%S')} {text}\n")
        self._stream.flush()

    def show(self, table: Table) -> None: ...

    def ends_wanted(self) -> int:
        return 0

    def close(self) -> None: ...


class Screen:
    """All of a terminal, which need not be the one that controls this process. Its keys are read as they are typed:
    under Ansible no signal of it would reach us.

    :param descriptor: of the terminal, open for reading and writing.
    """

    def __init__(self, descriptor: int, title: str, colours: bool) -> None:
        self.inputs: Sequence[int] = (descriptor,)
        self._terminal, self._title, self._colours = descriptor, title, colours
        self._before = termios.tcgetattr(descriptor)
        self._shown = ""
        tty.setraw(descriptor)
        self._write(_ENTER)

    def say(self, text: str) -> None: ...

    def show(self, table: Table) -> None:
        try:
            columns, lines = os.get_terminal_size(self._terminal)
        except OSError:
            columns, lines = 80, 24
        pieces = screen.render(table, columns or 80, lines or 24, KEYS, self._title)
        text = screen.encode(pieces, self._colours)
        if text != self._shown:
            self._write(_HOME + text + _ERASE_BELOW)
            self._shown = text

    def ends_wanted(self) -> int:
        try:
            typed = os.read(self._terminal, 1024)
        except OSError:
            typed = b""
        if _REDRAW_KEY in typed:
            self._shown = ""
        if not typed:
            # The terminal is gone.
            self.inputs = ()
            return 1
        return len(_END_KEYS.findall(typed))

    def close(self) -> None:
        # Of a terminal that is gone there is nothing to restore.
        with contextlib.suppress(OSError, termios.error):
            self._write(LEAVE)
            termios.tcsetattr(self._terminal, termios.TCSAFLUSH, self._before)

    def _write(self, text: str) -> None:
        data = text.encode()
        while data:
            data = data[os.write(self._terminal, data) :]
