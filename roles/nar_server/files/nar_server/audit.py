# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What vouches for the paths of a store: the report of ``nar-server audit``."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TypeVar

from .database import Database, DatabaseUnavailableError
from .path_info import MalformedRowError
from .policy import Decision, Vouchers
from .store_path import StorePath
from .views import View

_PATHS = "SELECT path FROM ValidPaths ORDER BY path"
# Seconds to wait before asking again: a writer may lock the database for a moment.
_PAUSES = (0.05, 0.2, 1, 2)
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Entry:
    """A path and what a view makes of it: ``status`` is signed, passed on, withheld, hidden, elsewhere or malformed."""

    view: str
    path: str
    status: str
    vouchers: tuple[str, ...]
    reason: str = ""


Entries = Iterator[Entry]
# What clients that want signatures will not take from here.
UNVOUCHED = ("withheld", "hidden", "malformed")


def _vouchers(vouchers: Vouchers) -> tuple[str, ...]:
    return (
        *(("built here",) if vouchers.built else ()),
        *(f"signed by {name}" for name in vouchers.signed_by),
        *(("content-addressed",) if vouchers.content_addressed else ()),
    )


def _status(decision: Decision, signs: bool) -> str:
    if decision.elsewhere:
        return "elsewhere"
    if decision.hidden:
        return "hidden"
    if decision.withheld:
        return "withheld"
    return "signed" if signs else "passed on"


def audit(view: View) -> Entries:
    """An entry for each valid path of the view's store. Raises DatabaseUnavailableError."""
    database: Database = view.store.database
    for (path,) in _patiently(partial(database.select, _PATHS)):
        try:
            hash_part = StorePath.parse_full(path, view.store.directory).hash_part
            info = _patiently(partial(database.lookup, hash_part))
        except (ValueError, MalformedRowError) as problem:
            yield Entry(view.name, path, "malformed", (), str(problem))
            continue
        if info is None:
            # Collected while we looked.
            continue
        decision = view.policy.decide(info)
        yield Entry(view.name, path, _status(decision, bool(view.public_keys)), _vouchers(decision.vouchers))


def _patiently(ask: Callable[[], _Answer]) -> _Answer:
    for pause in _PAUSES:
        try:
            return ask()
        except DatabaseUnavailableError as problem:
            if not problem.busy:
                raise
        time.sleep(pause)
    return ask()


def render_json(entries: Iterable[Entry]) -> Iterator[str]:
    """One JSON object a line."""
    for entry in entries:
        yield json.dumps(asdict(entry))


def render_text(entries: Iterable[Entry], views: Sequence[str]) -> Iterator[str]:
    """A line for each path that clients will not take from here, and how many there are of each kind in these views."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for entry in entries:
        counts[entry.view, entry.status, ", ".join(entry.vouchers) or "nothing vouches for them"] += 1
        if entry.status in UNVOUCHED:
            yield f"{entry.view}: {entry.status}: {entry.path}" + (f" ({entry.reason})" if entry.reason else "")
    told = {view for view, _status, _why in counts}
    for view, status, why in sorted(counts):
        yield f"{view}: {counts[view, status, why]} {status}" + ("" if status == "malformed" else f" ({why})")
    for view in views:
        if view not in told:
            yield f"{view}: no paths"
