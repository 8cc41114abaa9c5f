# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Simulated badges for tests and demonstrations: an ESP32-C6 in download mode on a pseudo-terminal that a real esptool
can flash. `python -m tests.badge_simulator --help` puts up a table of them."""

from __future__ import annotations

from .badge import ESP32_C6, Badge
from .faults import ESP32_S3, Fault, Kind, Trouble, draw
from .nor import NorFlash
from .slot import Slot, mac_of, slots
from .speed import INSTANT, NATIVE_USB, SERIAL, Speed

__all__ = [
    "ESP32_C6",
    "ESP32_S3",
    "INSTANT",
    "NATIVE_USB",
    "SERIAL",
    "Badge",
    "Fault",
    "Kind",
    "NorFlash",
    "Slot",
    "Speed",
    "Trouble",
    "draw",
    "mac_of",
    "slots",
]
