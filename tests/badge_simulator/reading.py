# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading the flash as the stub does: blocks, acknowledged by how many bytes the host has, then the MD5 of all."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator

ACKNOWLEDGEMENT = 4
"""Bytes of an acknowledgement."""


class Reading:
    """One read in progress.

    :param content: all that the host asked for.
    :param block: bytes of a packet.
    :param window: how many packets may be under way.
    """

    def __init__(self, content: bytes, block: int, window: int) -> None:
        self.content, self.block, self.window = content, block, window
        self.sent = 0
        self.is_complete = False

    def packets(self, acknowledged: int) -> Iterator[bytes]:
        """What goes out now that the host has so many bytes."""
        while self.sent < len(self.content) and self.sent < acknowledged + self.block * self.window:
            packet = self.content[self.sent : self.sent + self.block]
            self.sent += len(packet)
            yield packet
        if acknowledged >= len(self.content):
            self.is_complete = True
            yield hashlib.md5(self.content).digest()

    def acknowledge(self, packet: bytes) -> Iterator[bytes]:
        """The same, for an acknowledgement as it came."""
        return self.packets(struct.unpack("<I", packet)[0])
