# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values that Hydra's fields take: from what a user writes to what the server keeps, without its silent coercions.

Every reader takes a value as Ansible or an event file has it and returns the one that is compared and sent, or raises
WrongFieldError. Whatever the server would trim, coerce or drop is refused here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from .credentials import plain, without_credentials

T = TypeVar("T")
NOTHING = object()
LONGEST_VALUE = 200

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
LARGEST_INTEGER = 2**31 - 1
STATES = ("disabled", "enabled", "one_shot", "one_at_a_time")
TYPES = ("legacy", "flake")

# The server's own expressions, from Hydra::Helper::CatalystUtils and Hydra::Controller::Jobset.
PROJECT_NAME = r"[A-Za-z_][A-Za-z0-9_-]*"
JOBSET_NAME = r"[A-Za-z_][A-Za-z0-9_.-]*"
ATTRIBUTE = r"[A-Za-z_][A-Za-z0-9_-]*"
JOB_NAME = rf"{ATTRIBUTE}(?:\.{ATTRIBUTE})*"
INPUT_NAME = r"[^\W\d_][\w-]*"
PATH_PART = r"[A-Za-z0-9+._$-][A-Za-z0-9+._$:-]*"
RELATIVE_PATH = rf"{PATH_PART}(?:/{PATH_PART})*"
EVALUATION = rf"\d+|{PROJECT_NAME}:{JOBSET_NAME}(?::{JOB_NAME})?"


class WrongFieldError(ValueError):
    """A value the server would refuse, coerce or drop.

    field: its name, joined by dots inside of others; value: what is written there, NOTHING where nothing is; problem
    and remedy: what is wrong and what would be right; others: mistakes that were found together with this one.
    """

    others: tuple[WrongFieldError, ...] = ()

    def __init__(self, problem: str, remedy: str, field: str = "", value: object = NOTHING) -> None:
        self.field, self.value, self.problem, self.remedy = field, value, problem, remedy
        quoted = f'"{self.shown}"' if isinstance(value, str) else self.shown
        super().__init__(f"{field}: {quoted} {problem}; {remedy}" if quoted else f"{field}: {problem}; {remedy}")

    @property
    def shown(self) -> str:
        """The value as it may be shown; empty where there is none."""
        if self.value is NOTHING:
            return ""
        return shown_value(self.value)

    def under(self, field: str, value: object = NOTHING) -> WrongFieldError:
        """The same mistake as one of a field, whose value counts where the mistake is none of a part of it."""
        if self.field:
            outer = WrongFieldError(self.problem, self.remedy, f"{field}.{self.field}", self.value)
        else:
            outer = WrongFieldError(self.problem, self.remedy, field, value)
        outer.others = tuple(other.under(field) for other in self.others)
        return outer

    def told(self, subject: str) -> str:
        """All mistakes of a subject, a line each."""
        return "\n".join(f"{subject}: {wrong}" for wrong in self.all)

    @property
    def all(self) -> tuple[WrongFieldError, ...]:
        """This mistake and the others."""
        return (self, *self.others)


def shown_value(value: object) -> str:
    """A value as it was written, as one text, shortened and without credentials."""
    try:
        written = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    except ValueError:  # Python writes no number of thousands of digits
        return "a number of thousands of digits"
    masked = without_credentials(plain(written))
    return masked if len(masked) <= LONGEST_VALUE else f"{masked[:LONGEST_VALUE]}…"


def read_field(field: str, value: object, read: Callable[[Any], T]) -> T:
    """What a reader makes of the value of a field. Raises WrongFieldError, which names the field and the value."""
    try:
        return read(value)
    except WrongFieldError as wrong:
        raise wrong.under(field, value) from wrong


def read_each(reads: Iterable[tuple[str, Callable[[], T]]]) -> dict[str, T]:
    """What each of several reads returns, by name. Raises WrongFieldError with the mistakes of all."""
    found: dict[str, T] = {}
    mistakes: list[WrongFieldError] = []
    for name, read in reads:
        try:
            found[name] = read()
        except WrongFieldError as wrong:
            mistakes += wrong.all
    if mistakes:
        mistakes[0].others = tuple(mistakes[1:])
        raise mistakes[0]
    return found


def text(value: object) -> str:
    """One text, without blanks at its ends, which the server would remove."""
    if not isinstance(value, str):
        single = isinstance(value, (bool, int, float))
        raise WrongFieldError("is not a text", "write it in quotes" if single else "write one text")
    if value != value.strip():
        raise WrongFieldError("has blanks at an end, which Hydra drops", "remove them")
    return value


def matching(expression: str, problem: str, remedy: str) -> Callable[[object], str]:
    """A reader of texts that obey a regular expression of the server's."""
    compiled = re.compile(expression)

    def read(value: object) -> str:
        written = text(value)
        if compiled.fullmatch(written) is None:
            raise WrongFieldError(problem, remedy)
        return written

    return read


project_name = matching(
    PROJECT_NAME, "is not a project identifier", "use letters, digits, - and _, not beginning with a digit or -"
)
jobset_name = matching(
    JOBSET_NAME, "is not a jobset identifier", "use letters, digits, ., - and _, beginning with a letter or _"
)
input_name = matching(INPUT_NAME, "is not an input name", "use letters, digits, - and _, beginning with a letter")
relative_path = matching(
    f"(?:{RELATIVE_PATH})?", "is not a path Hydra takes", 'write it relative and without blanks: "release.nix"'
)
expression_input = matching(f"(?:{INPUT_NAME})?", "is not an input name", "name one of the inputs")
flake_uri = matching("(?:[a-zA-Z].*)?", "is not a flake URI", 'begin with a scheme: "github:NixOS/nixpkgs/master"')
evaluation = matching(
    EVALUATION, "names no evaluation", 'write the number of one, "PROJECT:JOBSET" or "PROJECT:JOBSET:JOB"'
)


def address(value: object) -> str:
    """The address of a Hydra, without a slash at its end."""
    written = text(value)
    try:
        parts = urlsplit(written)
        plain_address = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port or an IPv6 address that is none
        plain_address = False
    if not plain_address or re.search(r"[\x00-\x20\x7f?#]", written):
        raise WrongFieldError("is not the address of a Hydra", 'write one such as "https://hydra.example.org"')
    if "@" in parts.netloc:
        raise WrongFieldError("holds a user name", "remove it: username and password have places of their own")
    return written.rstrip("/")


def display_name(value: object) -> str:
    """A text that is not empty."""
    if not text(value):
        raise WrongFieldError("is empty", "write what people call the project")
    return text(value)


def owner(value: object) -> str:
    """A user's name. There is no project without an owner, so that "" would never come true."""
    if not text(value):
        raise WrongFieldError("is empty", "name a user of Hydra, or leave owner out")
    return text(value)


def email_override(value: object) -> str:
    """A mail address, or nothing. The server takes "0" for nothing."""
    if text(value) == "0":
        raise WrongFieldError("is no mail address", 'write one, or ""')
    return text(value)


def boolean(value: object) -> bool:
    """true or false."""
    if value is True or value == "true":
        return True
    if value is False or value == "false":
        return False
    raise WrongFieldError("is neither true nor false", "write true or false")


def one_of(choices: tuple[str, ...]) -> Callable[[object], str]:
    """A reader of one of a few words."""

    def read(value: object) -> str:
        if value not in choices:
            raise WrongFieldError("is not known", f"write one of {', '.join(choices)}")
        return str(value)

    return read


def _short(value: object) -> bool:
    """Whether a value is a whole number that Python can write: it refuses thousands of digits."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18


def whole(least: int, what: str) -> Callable[[object], int]:
    """A reader of whole numbers from `least` to what the server's database holds."""

    def read(value: object) -> int:
        digits = isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value)
        if not (digits or _short(value)):
            raise WrongFieldError(f"is not {what}", "write a whole number")
        number = int(str(value))
        if not least <= number <= LARGEST_INTEGER:
            raise WrongFieldError(f"is not {what}", f"write a whole number from {least} to {LARGEST_INTEGER}")
        return number

    return read


def duration(value: object) -> int:
    """A time in seconds, written as their number or as one with a unit: 90, 5m, 1h, 2d, 1w."""
    found = re.fullmatch(r"([0-9]{1,18})([smhdw]?)", str(value)) if isinstance(value, str) or _short(value) else None
    if found is None:
        raise WrongFieldError("is not a duration", 'write seconds, or a number with one unit such as "5m", "1h", "2d"')
    seconds = int(found[1]) * UNITS[found[2] or "s"]
    if seconds > LARGEST_INTEGER:
        raise WrongFieldError("is too long for Hydra's database", f"write at most {LARGEST_INTEGER} seconds")
    return seconds


def shown_duration(seconds: int) -> str | int:
    """Seconds as the shortest of what `duration` reads; 0 as it is."""
    for unit in ("w", "d", "h", "m"):
        if seconds and seconds % UNITS[unit] == 0:
            return f"{seconds // UNITS[unit]}{unit}"
    return seconds
