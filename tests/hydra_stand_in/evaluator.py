# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What hydra-evaluator and hydra-eval-jobset write into the database, as far as the API shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .state import Database, Jobset


def begin(database: Database, jobset: Jobset) -> None:
    """Take the jobset up."""
    jobset.columns["starttime"] = database.now()


def end(
    database: Database,
    jobset: Jobset,
    builds: Mapping[str, int | None] | None = None,
    *,
    errors: str = "",
    fetch_error: str | None = None,
) -> None:
    """Finish it. builds: status by job, None for one in the queue; None when no input changed."""
    columns, now = jobset.columns, database.now()
    columns |= {"lastcheckedtime": now, "fetcherrormsg": fetch_error}
    if fetch_error is None and builds is not None:
        jobset.errormsg = errors
        columns["errortime"] = now
        jobset.evaluations.append(_evaluation(database, jobset, builds, now))
        if columns["enabled"] == 2:
            columns["enabled"] = 0
    if columns["triggertime"] is not None and columns["triggertime"] <= (columns["starttime"] or now):
        columns["triggertime"] = None
    columns["starttime"] = None


def _evaluation(database: Database, jobset: Jobset, builds: Mapping[str, int | None], now: int) -> dict[str, Any]:
    number = 1 + max((int(known["jobsetevals"][0]) for known in database.builds.values()), default=0)
    first = len(database.builds) + 1
    for build_number, (job, status) in enumerate(builds.items(), first):
        database.builds[build_number] = build(jobset, build_number, job, status, now) | {"jobsetevals": [number]}
    return {
        "id": number,
        "builds": list(range(first, first + len(builds))),
        "timestamp": now,
        "evaltime": 2,
        "checkouttime": 1,
        "hasnewbuilds": 1 if builds else 0,
        "jobsetevalinputs": {},
        "flake": jobset.columns["flake"],
    }


def build(jobset: Jobset, number: int, job: str, status: int | None, now: int) -> dict[str, Any]:
    """One build as the API shows it."""
    done = status is not None
    return {
        "id": number,
        "project": jobset.project,
        "jobset": jobset.name,
        "job": job,
        "nixname": f"{job.partition('.')[0]}-1",
        "system": "x86_64-linux",
        "drvpath": f"/nix/store/{'0' * 32}-{job.partition('.')[0]}-1.drv",
        "timestamp": now,
        "starttime": now if done else None,
        "stoptime": now + 9 if done else None,
        "finished": int(done),
        "buildstatus": status,
        "buildproducts": {},
        "buildmetrics": {},
        "buildoutputs": {},
        "releasename": None,
        "priority": 100,
        "jobsetevals": [0],
    }
