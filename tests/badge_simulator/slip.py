# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SLIP, the framing of Espressif's serial protocol: RFC 1055, with a delimiter before and after each packet."""

from __future__ import annotations

END, ESCAPE = b"\xc0", b"\xdb"
_ESCAPED_END, _ESCAPED_ESCAPE = b"\xdb\xdc", b"\xdb\xdd"


def frame(packet: bytes) -> bytes:
    """The packet as it goes over the line."""
    return END + packet.replace(ESCAPE, _ESCAPED_ESCAPE).replace(END, _ESCAPED_END) + END


class Unframer:
    """Collects bytes from the line and yields whole packets."""

    def __init__(self) -> None:
        self.rest = b""

    def packets(self, received: bytes) -> list[bytes]:
        """The packets that are complete now."""
        *complete, self.rest = (self.rest + received).split(END)
        return [part.replace(_ESCAPED_END, END).replace(_ESCAPED_ESCAPE, ESCAPE) for part in complete if part]
