# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a jobset's answers say about its evaluation: whether it is over, its errors, its jobs. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .credentials import plain

ABORTED = frozenset({3, 4, 7, 10})  # aborted, cancelled, timed out, log too long: as Hydra's own page counts
JOB_HEADING = re.compile("^(?:in job \u2018(?P<job>[^\u2019]*)\u2019|at top-level):\n", re.MULTILINE)
SHOWN_LINES = 6
SHOWN_ERRORS = 10
TOP_LEVEL = "(top level)"


@dataclass(frozen=True)
class Push:
    """A push that was accepted, by what the jobset said right after it. Times are the server's, in seconds.

    running: when an evaluation that was already under way began; its end is not ours. checked: when the last one before
    the push ended, maybe in the very second of the push.
    """

    time: int
    running: int | None
    checked: int | None


def pushed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Push:
    """The push between two answers about a jobset. An evaluator that is quick may have taken it up already."""
    started = after.get("starttime")
    time = after.get("triggertime") or started or after.get("lastcheckedtime") or before.get("lastcheckedtime") or 0
    return Push(
        int(time), int(started) if started and int(started) < int(time) else None, before.get("lastcheckedtime")
    )


def has_arrived(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether a push that got no answer was accepted nevertheless."""
    return any(
        now.get(key) is not None and now.get(key) != before.get(key)
        for key in ("triggertime", "starttime", "lastcheckedtime")
    )


def is_over(push: Push, answer: Mapping[str, Any]) -> bool:
    """Whether the evaluation that the push asked for has ended.

    Its end is the first check at or after the push, while nothing runs. If the trigger is still there, which an
    evaluator that is run by hand leaves, the check must be another one than the last before the push, and none that
    ran already then: the evaluator keeps the trigger for the next one.
    """
    checked = answer.get("lastcheckedtime")
    if answer.get("starttime") is not None or int(checked or 0) < push.time:
        return False
    return answer.get("triggertime") is None or (push.running is None and checked != push.checked)


def phase(push: Push, answer: Mapping[str, Any]) -> str:
    """What an evaluation that is not over waits for, for the message of a time limit."""
    started = answer.get("starttime")
    if started is None:
        return "it has not begun: is hydra-evaluator running, and is another evaluation before it?"
    if int(started) < push.time:
        return "an evaluation that began before the push is still running; ours comes after it"
    return "it is still running"


def errors_of(answer: Mapping[str, Any]) -> list[dict[str, str]]:
    """The errors of a jobset's latest evaluation, one a job: `job`, `message` (its first lines). From the answer of
    /errors, because everywhere else the server leaves them empty."""
    fetch = plain(str(answer.get("fetcherrormsg") or "")).strip()
    if fetch:
        return [{"job": "(fetching the inputs)", "message": _first_lines(fetch)}]
    text = plain(str(answer.get("errormsg") or ""))
    headings = list(JOB_HEADING.finditer(text))
    if not headings:
        return [{"job": TOP_LEVEL, "message": _first_lines(text)}] if text.strip() else []
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    return [
        {"job": heading["job"] or TOP_LEVEL, "message": _first_lines(text[heading.end() : end])}
        for heading, end in zip(headings, ends, strict=True)
    ]


def described(errors: list[dict[str, str]]) -> str:
    """Errors as a text to read: how many, then job by job."""
    count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
    lines = [f"{count}:"]
    for error in errors[:SHOWN_ERRORS]:
        lines.append(f"{error['job']}:")
        lines += [f"  {line}" for line in error["message"].splitlines()]
    if len(errors) > SHOWN_ERRORS:
        lines.append(f"and {len(errors) - SHOWN_ERRORS} more")
    return "\n".join(lines)


def _first_lines(message: str) -> str:
    lines = [line.rstrip() for line in message.strip().splitlines() if line.strip()]
    more = ["…"] if len(lines) > SHOWN_LINES else []
    return "\n".join(lines[:SHOWN_LINES] + more)


def job_changes(builds: Iterable[Mapping[str, Any]], earlier: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The jobs of an evaluation, compared with the one before it, in the classes of Hydra's own page, by name."""
    before = {(build["job"], build["system"]): build for build in earlier}
    names = ("new", "queued", "aborted", "newly_failing", "still_failing", "newly_succeeding", "still_succeeding")
    found: dict[str, list[str]] = {name: [] for name in (*names, "removed")}
    here = set()
    for build in builds:
        here.add((build["job"], build["system"]))
        found[_class(build, before.get((build["job"], build["system"])))].append(build["job"])
    found["removed"] = [job for job, system in before if (job, system) not in here]
    return {name: sorted(set(jobs)) for name, jobs in found.items()}


def _class(build: Mapping[str, Any], earlier: Mapping[str, Any] | None) -> str:
    if build["finished"] and build["buildstatus"] in ABORTED:
        return "aborted"
    if earlier is None:
        return "new"
    if not build["finished"] or not earlier["finished"]:
        return "queued"
    succeeds, succeeded = build["buildstatus"] == 0, earlier["buildstatus"] == 0
    if succeeds:
        return "still_succeeding" if succeeded else "newly_succeeding"
    return "newly_failing" if succeeded else "still_failing"
