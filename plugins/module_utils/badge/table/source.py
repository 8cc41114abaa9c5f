# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which badges are in which slots: those on USB, or at a given list of ports. No port is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from .. import station
from .slot import Presence

Source = Callable[[], dict[str, Presence]]


def ports(devices: Mapping[str, str]) -> Source:
    """A source for given devices by slot: a badge is in a slot while its device exists."""

    def look() -> dict[str, Presence]:
        tokens = {slot: _token(Path(device)) for slot, device in devices.items()}
        return {slot: Presence(devices[slot], token) for slot, token in tokens.items() if token}

    return look


def usb(sysfs: Path = Path("/sys"), dev: Path = Path("/dev")) -> Source:
    """A source for the badges on USB, by the names that the role `badge` gave their sockets. A slot's own link is
    opened rather than the port: a badge that comes back may get another number."""

    def look() -> dict[str, Presence]:
        found = {}
        for badge in station.find(sysfs, dev):
            link = dev / station.SLOTS / badge.slot
            device = str(link) if link.is_symlink() else badge.port
            if device and (token := _token(Path(device))):
                found[badge.slot] = Presence(device, token, badge.mac)
        return found

    return look


def _token(device: Path) -> str:
    """Other for each plugging in: the name is made anew. Empty if there is none."""
    try:
        status = device.lstat()
        # A link may be there for a moment longer than the device.
        device.stat()
    except OSError:
        return ""
    return f"{status.st_ino}/{status.st_ctime_ns}"
