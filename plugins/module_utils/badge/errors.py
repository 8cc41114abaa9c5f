# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong with a badge: each error says what happened, and by `advice` what a volunteer does about it."""

from __future__ import annotations


class BadgeError(Exception):
    """A badge that was not flashed. `str()` of it says where, what and why; `advice` what to do, in a few words."""

    advice = "call the crew"


class FirmwareError(BadgeError):
    """The firmware files or the layout are wrong. Found before a port is opened; every badge would fail."""

    advice = "call the crew: the firmware files are wrong"


class PortError(BadgeError):
    """The port cannot be opened: it is absent, in use or forbidden."""

    advice = "plug the badge in again"


class PortBusyError(PortError):
    """Another program holds the port."""

    advice = "close the other program that uses this slot"


class PortForbiddenError(PortError):
    """The user may not open the port."""

    advice = "call the crew: this user may not open the slot"


class SilentBadgeError(BadgeError):
    """The port is there and nothing answers as a chip in download mode does."""

    advice = "hold the badge's button while plugging in, else swap the cable"


class LostBadgeError(BadgeError):
    """The connection broke again and again, or the badge did not come back."""

    advice = "swap the cable and plug the badge in again"


class OtherBadgeError(BadgeError):
    """Another badge than the expected one answers; nothing was written to it."""

    advice = "plug in one badge and leave it until the line is green"


class UnsuitableBadgeError(BadgeError):
    """A board that must not or cannot be flashed: put it aside. Nothing was written to it."""

    advice = "put this board aside and take the next"


class WrongChipError(UnsuitableBadgeError):
    """The board has another chip than the badges."""

    advice = "this is no badge: put it aside"


class OtherRevisionError(UnsuitableBadgeError):
    """The firmware is for other revisions of the chip."""

    advice = "the firmware is not for this badge's chip: put it aside and tell the crew"


class SecuredError(UnsuitableBadgeError):
    """Secure boot, flash encryption or secure download is on: what we write would not boot."""

    advice = "this badge is locked: put it aside"


class SmallFlashError(UnsuitableBadgeError):
    """The board's flash ends before the firmware does."""

    advice = "this badge's flash is too small: put it aside"


class FaultyFlashError(BadgeError):
    """The flash does not keep what is written to it."""

    advice = "this badge's flash is broken: put it aside"
