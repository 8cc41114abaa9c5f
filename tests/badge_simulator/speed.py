# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How fast a simulated badge is: its line and its flash."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Speed:
    """Bytes per second of the line (0: its baud rate decides), of programming flash (with its erasing) and of reading
    it for an MD5; infinite by default."""

    line: float = float("inf")
    program: float = float("inf")
    digest: float = float("inf")

    def line_rate(self, baud: int) -> float:
        """Bytes per second at a baud rate: ten bits a byte."""
        return self.line or baud / 10


INSTANT = Speed()
NATIVE_USB = Speed(line=600e3, program=135e3, digest=2e6)
"""The badge's own USB: the flash is the limit, 90 to 180 kB/s of it were seen."""
SERIAL = Speed(line=0, program=135e3, digest=2e6)
"""A serial converter, whose baud rate counts."""
