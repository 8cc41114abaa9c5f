# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pushing a jobset, and waiting for what comes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import evaluation
from .client import Client, path_of
from .errors import HydraError, LostError, sentence
from .shapes import BUILDS_ANSWER, ERRORS_ANSWER, EVALUATIONS_ANSWER, JOBSET_ANSWER, PROJECT_ANSWER, Shape

LONGEST_PAUSE = 30.0
DISABLED = 0


class EvaluationError(HydraError):
    """The evaluation failed, or cannot be had. reason: disabled, errors or timeout; errors: of jobs."""

    def __init__(self, reason: str, text: str, errors: list[dict[str, str]] | None = None) -> None:
        self.reason, self.errors = reason, errors or []
        super().__init__(text)


@dataclass(frozen=True)
class Waiting:
    """How long to wait. limit: seconds in all; pause: seconds between questions, doubling up to 30; builds: for them
    too."""

    limit: float
    pause: float
    builds: bool


class Pusher:
    """One jobset's push, whose time begins now. Raises HydraError; EvaluationError where the evaluation itself, or the
    time, is the reason."""

    def __init__(
        self,
        client: Client,
        project: str,
        jobset: str,
        waiting: Waiting,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._sleep, self._clock = client, sleep, clock
        self._name = f"{project}:{jobset}"
        self._subject = f"jobset {self._name}"
        self._path = path_of("jobset", project, jobset)
        self._project = path_of("project", project)
        self._waiting, self._end = waiting, clock() + waiting.limit
        client.end_within(waiting.limit)

    def ready(self) -> dict[str, Any]:
        """What the server says about the jobset, which exists and is not disabled."""
        answer = self._jobset()
        project = self._get(self._project, PROJECT_ANSWER) or {}
        which = "jobset" if answer["enabled"] == DISABLED else "project" if not project.get("enabled") else ""
        if which:
            remedy = "state: enabled" if which == "jobset" else "enabled: true"
            problem = f"the {which} is disabled, so Hydra ignores a push; set {remedy} with hydra_{which} first"
            raise EvaluationError("disabled", f"{self._subject}: {problem}")
        return answer

    def push(self, before: Mapping[str, Any]) -> evaluation.Push:
        """Push once. When the answer is lost, the jobset itself tells whether the push arrived."""
        try:
            # Never `force`: the server looks only whether it is there, so it could not be switched off.
            answer = self._client.push(self._name)
        except LostError as lost:
            if self._client.is_late:
                raise self._late(lost) from lost
            now = self._jobset() if lost.sent else before
            if not evaluation.has_arrived(before, now):
                raise HydraError(f"{self._subject}: {lost} No sign of the push is there; run again.") from lost
            return evaluation.pushed(before, now)
        except HydraError as error:
            raise HydraError(f"{self._subject}: {error}") from error
        if answer.get("error"):
            words = self._client.safe(str(answer["error"]))
            raise HydraError(f"{self._subject}: Hydra accepted the push but says: {sentence(words)}")
        if self._name not in (answer.get("jobsetsTriggered") or ()):
            raise EvaluationError("disabled", f"{self._subject}: Hydra ignored the push: it was disabled just now")
        return evaluation.pushed(before, self._jobset())

    def wait(self, push: evaluation.Push) -> dict[str, Any]:
        """Wait for the evaluation, and for its builds if told so; return the evaluation and its jobs."""

        def over() -> bool:
            self._answer = self._jobset()
            return evaluation.is_over(push, self._answer)

        if not self._until(over):
            state = evaluation.phase(push, self._answer)
            problem = f"its evaluation did not end within {self._waiting.limit:g} seconds: {state}"
            raise EvaluationError("timeout", f"{self._subject}: {problem}")
        # The server leaves errormsg empty everywhere but there, and errortime is set by every evaluation.
        errors = evaluation.errors_of(self._get(f"{self._path}/errors", ERRORS_ANSWER) or {})
        if errors:
            raise EvaluationError(
                "errors", f"{self._subject}: its evaluation failed with {evaluation.described(errors)}", errors
            )
        return self._evaluated()

    def evaluations(self) -> list[dict[str, Any]]:
        """The evaluations that brought builds, the latest first, as the server says them."""
        answer = self._get(f"{self._path}/evals", EVALUATIONS_ANSWER) or {"evals": []}
        return sorted(answer["evals"], key=lambda found: -found["id"])

    def _evaluated(self) -> dict[str, Any]:
        evaluations = self.evaluations()
        if not evaluations:
            return {"evaluation": None, "jobs": evaluation.job_changes((), ())}
        latest = evaluations[0]
        earlier = self._builds(evaluations[1]) if len(evaluations) > 1 else []

        def built() -> bool:
            self._latest = self._builds(latest)
            return not self._waiting.builds or all(build["finished"] for build in self._latest)

        if not self._until(built):
            left = sum(not build["finished"] for build in self._latest)
            problem = f"{left} of {len(self._latest)} builds of evaluation {latest['id']} are not finished"
            raise EvaluationError("timeout", f"{self._subject}: {problem} after {self._waiting.limit:g} seconds")
        return {"evaluation": latest, "jobs": evaluation.job_changes(self._latest, earlier)}

    def _until(self, done: Callable[[], bool]) -> bool:
        pause = self._waiting.pause
        while not done():
            left = self._end - self._clock()
            if left <= 0:
                return False
            self._sleep(min(pause, left))
            pause = min(pause * 2, LONGEST_PAUSE)
        return True

    def _get(self, path: str, shape: Shape) -> Any:
        try:
            return self._client.get(path, shape)
        except LostError as lost:
            raise (self._late(lost) if self._client.is_late else lost) from lost

    def _late(self, lost: LostError) -> EvaluationError:
        return EvaluationError("timeout", f"{self._subject}: the time that was given is over: {lost}")

    def _jobset(self) -> dict[str, Any]:
        answer = self._get(self._path, JOBSET_ANSWER)
        if answer is None:
            problem = "does not exist, or was renamed; create it with hydra_jobset, or use its new name"
            raise HydraError(f"{self._subject}: {problem}")
        return dict(answer)

    def _builds(self, found: Mapping[str, Any]) -> list[dict[str, Any]]:
        return list(self._get(path_of("eval", str(found["id"]), "builds"), BUILDS_ANSWER) or ())
