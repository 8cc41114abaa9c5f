# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values without structure: text, numbers, yes or no, time zones."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable
from functools import cache

from ..mistakes import nearest
from .errors import WrongValueError

WHOLE_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")


def text(written: str) -> str:
    """One line of text, without blanks at its ends."""
    if not written.strip():
        raise WrongValueError("is empty", "write some text")
    if not written.isprintable():
        raise WrongValueError("is more than one line, or has invisible characters", "write one line of text")
    if written != written.strip():
        raise WrongValueError("begins or ends with blanks", "remove them")
    return written


def whole(least: int, most: int, what: str) -> Callable[[str], int]:
    """A reader of whole numbers from `least` to `most`; `what` names them in errors ("a metric").

    Only decimal digits: what YAML 1.1 takes for octal (053), hexadecimal or sexagesimal (1:30) is refused.
    """

    def number(written: str) -> int:
        plain = WHOLE_NUMBER.fullmatch(written)
        if not plain or not least <= int(written) <= most:
            how = "" if plain or not written[:1].isdigit() else ", in decimal digits alone"
            raise WrongValueError(f"is not {what}", f"write a whole number from {least} to {most}{how}")
        return int(written)

    return number


def boolean(written: str) -> bool:
    """true or false."""
    if written not in ("true", "false"):
        raise WrongValueError("is neither true nor false", "write true or false")
    return written == "true"


@cache
def known_timezones() -> frozenset[str]:
    """All IANA time zone names this controller knows; empty when it has no time zone database."""
    return frozenset(zoneinfo.available_timezones())


def timezone(written: str) -> str:
    """An IANA time zone name."""
    known = known_timezones()
    if re.fullmatch(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*", written) is None or (known and written not in known):
        remedy = nearest(written, sorted(known), "time zones")
        if "did you" not in remedy:
            remedy = "write AREA/CITY, such as America/Los_Angeles, or Etc/UTC"
        raise WrongValueError("is not a time zone", remedy)
    return written
