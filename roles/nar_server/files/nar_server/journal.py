# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the processes say on standard error, for systemd's journal, which takes each line for a message."""

from __future__ import annotations

import logging
import sys


class OneLine(logging.Formatter):
    """A record's message is one line, whatever names are in it; a traceback follows on lines of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """The line."""
        return super().formatMessage(record).replace("\n", "\\n").replace("\r", "\\r")


def log_to_stderr() -> None:
    """Have this process's messages go there."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
