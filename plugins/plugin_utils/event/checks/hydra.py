# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hydra's jobsets: each in a project of the file that may have it, with fields that fit together.

What its inputs name is Hydra's business: a repository, a cache or a jobset that the file does not know is fine.
"""

from __future__ import annotations

from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.documents import target_jobset
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.inputs import whole_inputs
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.values import WrongFieldError

from ..document import Cell, Document
from ..mistakes import Mistakes, nearest


def check(document: Document) -> None:
    """Every jobset."""
    hydra = document.root.get("hydra")
    if hydra is None:
        return
    projects_cell = hydra.get("projects")
    projects = dict(projects_cell.items()) if projects_cell else {}
    jobsets = hydra.get("jobsets")
    for place, jobset in jobsets.items() if jobsets else ():
        name = place.partition(":")[0]
        project = projects.get(name)
        if ":" in place and project is None and projects_cell is not None:
            problem = "is in no project of this file"
            document.mistakes.add(jobset.line, jobset.path, place, problem, nearest(name, projects, "projects"))
        if project is not None and project.get("declarative"):
            problem = f"is in a declarative project, whose jobsets Hydra makes itself; see line {project.line}"
            document.mistakes.add(jobset.line, jobset.path, place, problem, "remove one of the two")
        _fits(jobset, document.mistakes)
    for project in projects.values():
        purge = project.get("purge_jobsets")
        if purge is not None and purge.value is True and project.get("declarative"):
            problem = "is for projects whose jobsets are listed here"
            document.mistakes.add(purge.line, purge.path, purge.text, problem, "remove it, or declarative")


def _fits(jobset: Cell, mistakes: Mistakes) -> None:
    if not isinstance(jobset.value, dict):
        return
    try:
        if not _unclear(jobset):
            target_jobset(jobset.plain(), None, exact=True)
        elif inputs := jobset.get("inputs"):
            # What the jobset as a whole is to be is open, but each input is one by itself.
            clear = ((name, item.plain()) for name, item in inputs.items() if not _unclear(item))
            whole_inputs(dict(clear))
    except WrongFieldError as wrong:
        for mistake in wrong.all:
            _add(jobset, mistake, mistakes)


def _add(jobset: Cell, wrong: WrongFieldError, mistakes: Mistakes) -> None:
    cell = jobset
    for key in wrong.field.split("."):
        cell = cell.get(key) or cell
    missing = cell is jobset
    problem = f"{wrong.field} {wrong.problem}" if missing else wrong.problem
    mistakes.add(cell.line, cell.path, wrong.shown, problem, wrong.remedy)


def _unclear(cell: Cell) -> bool:
    return cell.unclear or any(_unclear(item) for item in dict(cell.items()).values())
