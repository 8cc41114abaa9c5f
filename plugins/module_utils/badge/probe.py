# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a badge says of itself when it is asked in download mode."""

from __future__ import annotations

from typing import Any

from .errors import BadgeError, SecuredError, SilentBadgeError
from .session import CONNECT_BAUD, GONE_ERRORS, PROTOCOL_ERRORS, Session


def probe(port: str) -> dict[str, Any]:
    """Chip, revision, flash size in bytes, MAC address and security state of the badge at a port, which is restarted.

    A badge that cannot be asked, or that is none, has a `problem` and an `advice` instead. Of a locked one
    (`security`), esptool could not say more than that.
    """
    try:
        return _ask(port)
    except SecuredError as error:
        return {"security": "locked", "problem": str(error), "advice": error.advice}
    except BadgeError as error:
        return {"problem": str(error), "advice": error.advice}
    except (*GONE_ERRORS, *PROTOCOL_ERRORS) as error:
        return {"problem": f"{port}: no badge answers ({error})", "advice": SilentBadgeError.advice}


def _ask(port: str) -> dict[str, Any]:
    with Session(port, CONNECT_BAUD) as session:
        major, minor = divmod(session.esp.get_chip_revision(), 100)
        answers = {
            "mac": session.mac,
            "chip": session.chip.split(" (revision", maxsplit=1)[0],
            "revision": f"v{major}.{minor}",
            "flash_size": session.flash_size,
            "security": "open",
        }
        session.reset()
        return answers
