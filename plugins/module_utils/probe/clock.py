# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time: a server's clock against the client's, by SNTP (RFC 4330)."""

from __future__ import annotations

import socket
import struct
import time

from .model import Options, Seen

EPOCH = 2_208_988_800  # seconds from 1900, where NTP counts from, to 1970
_VERSION_4_CLIENT = 0x23
_SERVER_MODE, _UNSYNCHRONISED = 4, 3
_STRATA = range(1, 16)
_FORMAT = "!BBBb11I"
_SIZE = struct.calcsize(_FORMAT)


def judge(reply: bytes, sent: float, received: float, tolerance: float) -> Seen:
    """Whether a server's reply is usable time, within ``tolerance`` seconds of the client's clock."""
    if len(reply) < _SIZE:
        return Seen("not an NTP reply", False)
    fields = struct.unpack(_FORMAT, reply[:_SIZE])
    leap, mode, stratum = fields[0] >> 6, fields[0] & 7, fields[1]
    arrived, left = (fields[at] - EPOCH + fields[at + 1] / 2**32 for at in (11, 13))
    if mode != _SERVER_MODE or leap == _UNSYNCHRONISED or stratum not in _STRATA:
        return Seen(f"not synchronised (stratum {stratum})", False)
    offset = ((arrived - sent) + (left - received)) / 2
    return Seen(f"stratum {stratum}, {offset * 1000:+.1f} ms", abs(offset) <= tolerance)


def ntp(options: Options) -> Seen:
    """Ask a server for the time."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.settimeout(options["timeout"])
        try:
            connection.connect((options["server"], 123))
            sent = time.time()
            connection.send(struct.pack(_FORMAT, _VERSION_4_CLIENT, *[0] * 14))
            reply = connection.recv(512)
        except OSError as error:
            return Seen("no answer" if isinstance(error, TimeoutError) else str(error.strerror or error), False)
        return judge(reply, sent, time.time(), options["tolerance"])
