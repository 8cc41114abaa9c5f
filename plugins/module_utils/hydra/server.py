# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Hydra's projects and jobsets, read into their normal form, and plans carried out on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .client import Client, path_of
from .documents import Document, jobset_body, jobset_of, project_body, project_of
from .errors import HydraError, LostError
from .plan import DELETE, NONE, Plan
from .shapes import EVALUATIONS_ANSWER, JOBSET_ANSWER, PROJECT_ANSWER, PROJECTS_ANSWER

DECLARED = ".jobsets"  # the jobset by which Hydra makes those of a declarative project
Replan = Callable[[], Plan]


class Server:
    """A Hydra. Raises HydraError, which names the project or jobset where a plan is carried out."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def project(self, name: str) -> tuple[Document, list[str]] | None:
        """A project, and the names of its jobsets; None where there is none."""
        answer = self.client.get(path_of("project", name), PROJECT_ANSWER)
        return None if answer is None else (project_of(answer), list(answer["jobsets"]))

    def projects(self) -> list[str]:
        """The names of all projects, hidden ones too."""
        return sorted(project["name"] for project in self.client.get("/", PROJECTS_ANSWER) or ())

    def jobset(self, project: str, name: str) -> Document | None:
        """A jobset; None where there is none, or where it was renamed."""
        answer = self.client.get(path_of("jobset", project, name), JOBSET_ANSWER)
        return None if answer is None else jobset_of(answer)

    def latest_evaluation(self, project: str, name: str) -> dict[str, Any] | None:
        """The latest evaluation that brought builds, as the server says it."""
        answer = self.client.get(path_of("jobset", project, name, "evals"), EVALUATIONS_ANSWER)
        evaluations = answer["evals"] if answer else []
        return max(evaluations, key=lambda evaluation: evaluation["id"], default=None)

    def carry_out(self, plan: Plan, path: str, replan: Replan) -> Plan:
        """Do what `replan`, which reads anew, still finds to do, and read back. Returns what was done.

        The server replaces as a whole, and a request without a difference cancels a pending evaluation: so what
        somebody else changed since the plan was made is taken in, and what they did already is not done again.
        """
        try:
            fresh = replan()
            if fresh.action != NONE:
                self._send_once(fresh, path, replan)
                left = replan()
                if left.action == DELETE:
                    raise HydraError("it is still there after it was removed; run again, or remove it on Hydra's page")
                if left.action != NONE:
                    raise HydraError(
                        f"the server did not take {', '.join(left.fields)}, or somebody changed it at the same moment;"
                        " run again, and if it stays so compare with Hydra's page"
                    )
        except HydraError as error:
            raise HydraError(f"{plan.subject}: {error}") from error
        return fresh

    def _send_once(self, plan: Plan, path: str, replan: Replan) -> None:
        try:
            self._send(plan, path)
        except LostError as lost:
            if lost.sent and replan().action == NONE:
                return
            if not lost.sent or lost.slow:
                # Too slow is not lost: it may still be at work, so that a second request could undo what follows.
                raise HydraError(
                    f"{lost} What was to change is still as it was; run again when Hydra answers."
                ) from lost
            self._send(plan, path)

    def _send(self, plan: Plan, path: str) -> None:
        if plan.action == DELETE or plan.after is None:
            self.client.delete(path)
        elif plan.subject.startswith("project "):
            self.client.put(path, project_body(plan.after))
        else:
            self.client.put(path, jobset_body(plan.after))

    def check_owner(self, plan: Plan) -> None:
        """Refuse an owner that the server would silently ignore: only administrators choose one."""
        before = plan.before.get("owner") if plan.before else None
        if plan.after is None or plan.after.get("owner", "") in ("", before):
            return
        user = self.client.sign_in()
        if "admin" in user.get("userroles", ()) or (before is None and plan.after["owner"] == user["username"]):
            return
        roles = ", ".join(user.get("userroles", ())) or "none"
        raise HydraError(
            f'{plan.subject}: owner: "{plan.after["owner"]}" would be ignored: only administrators choose an owner, and'
            f" who signs in here has the roles: {roles}; leave owner out, or sign in with the role admin"
        )
