# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The badges on this machine's USB, found in sysfs without opening their ports.

Sources: the kernel's Documentation/ABI/stable/sysfs-bus-usb and drivers/usb/core/usb.c (names of devices); ESP32-C6
Technical Reference Manual, chapter "USB Serial/JTAG Controller" (the serial number is the base MAC address).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

VENDOR, PRODUCT = "303a", "1001"
"""The USB identifiers of the controller in the badge's chip, which other Espressif chips have too."""
SLOTS = "badge"
"""Folder below /dev in which the role `badge` makes a link for each slot."""

_SYSFS = Path("/sys")
_DEV = Path("/dev")
_MAC = re.compile("([0-9a-f]{2}:){5}[0-9a-f]{2}")


@dataclass(frozen=True)
class Badge:
    """A badge that is plugged in."""

    usb_path: str
    """The USB socket, as the kernel names it: bus, and the socket's number on each hub on the way (`1-1.4`)."""
    slot: str
    """The slot's name, `usb_path` where none is given to that socket."""
    mac: str
    """Base MAC address in lower case with colons; empty if the device tells none."""
    port: str
    """Device of the serial port (`/dev/ttyACM0`); empty while the kernel has none. It changes with each plugging."""


def find(sysfs: Path = _SYSFS, dev: Path = _DEV) -> list[Badge]:
    """The badges plugged in, in the order of their slots. A badge that is unplugged meanwhile is left out."""
    names = _slot_names(dev / SLOTS)
    badges = []
    for device in _devices(sysfs / "bus/usb/devices"):
        terminal = next((entry.name for entry in sorted(device.glob(f"{device.name}:*/tty/*"))), "")
        serial = (_attribute(device, "serial") or "").lower()
        badges.append(
            Badge(
                usb_path=device.name,
                slot=names.get(terminal, device.name),
                mac=serial if _MAC.fullmatch(serial) else "",
                port=str(dev / terminal) if terminal else "",
            )
        )
    return sorted(badges, key=lambda badge: slot_order(badge.slot))


def slot_order(slot: str) -> tuple[tuple[int, int | str], ...]:
    """A sorting key that puts slot 10 behind slot 9."""
    words = re.findall("[0-9]+|[^0-9]+", slot)
    return tuple((0, int(word)) if word.isdecimal() else (1, word) for word in words)


def _devices(folder: Path) -> Iterator[Path]:
    """The USB devices, not their interfaces, which have a colon in their names."""
    for device in sorted(folder.glob("*-*")):
        if ":" not in device.name and (_attribute(device, "idVendor"), _attribute(device, "idProduct")) == (
            VENDOR,
            PRODUCT,
        ):
            yield device


def _attribute(device: Path, name: str) -> str | None:
    try:
        return (device / name).read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None


def _slot_names(folder: Path) -> dict[str, str]:
    """The slot of each terminal, by the links that udev made."""
    if not folder.is_dir():
        return {}
    return {link.readlink().name: link.name for link in sorted(folder.iterdir()) if link.is_symlink()}
