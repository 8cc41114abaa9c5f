#!/usr/bin/python
# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An evaluation of a jobset of a Hydra."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hydra_evaluation
short_description: Have a Hydra evaluate a jobset, and wait for it
version_added: 0.1.0
author: The Nix Vegas NOC (@NixVegas)
description:
  - Pushes a jobset, as a repository's hook would, and waits until it is evaluated, or until its builds are finished
    too.
  - Fails with the errors of the evaluation, job by job. Builds that fail are returned and fail nothing.
  - Hydra skips the evaluation if no input changed; then the latest evaluation is returned, and its errors still count.
extends_documentation_fragment: [nixvegas.noc.attributes, nixvegas.noc.hydra]
attributes:
  check_mode:
    details:
      - Reads the jobset, pushes nothing.
  diff_mode:
    support: none
    details:
      - No configuration changes.
  idempotent:
    support: none
    details:
      - Every run is a push.
options:
  project:
    description: Identifier of the project.
    type: raw
    required: true
  jobset:
    description: Identifier of the jobset.
    type: raw
    required: true
  wait:
    description: What to wait for.
    type: str
    choices: [none, evaluation, builds]
    default: evaluation
  timeout:
    description: How long to wait in all, requests included, in seconds or with a unit (V(90), V(20m), V(6h)).
    type: str
    default: 20m
  interval:
    description: How long to pause before asking again at first, in seconds or with a unit. It doubles up to 30 seconds.
    type: str
    default: 2s
"""

EXAMPLES = r"""
- name: Evaluate the release and build it
  nixvegas.noc.hydra_evaluation:
    url: https://hydra.dc.nixos.lv
    project: nixpkgs
    jobset: release-25.05
    wait: builds
    timeout: 6h
  register: release
  failed_when: release is failed or release.newly_failing | default([])
"""

RETURN = r"""
evaluation:
  description: The latest evaluation that brought builds, as Hydra says it; null if there is or was awaited none.
  type: dict
  returned: success
  sample: {id: 4, timestamp: 1795369543, evaltime: 12, checkouttime: 1, hasnewbuilds: 1, flake: null, builds: [3, 4, 5]}
new_evaluation:
  description: Whether this push brought that evaluation. If not, no input changed, or no job did.
  type: bool
  returned: success
new:
  description: Jobs the evaluation before had not.
  type: list
  elements: str
  returned: success
removed:
  description: Jobs only the evaluation before had.
  type: list
  elements: str
  returned: success
queued:
  description: Jobs that are not built yet, now or in the evaluation before.
  type: list
  elements: str
  returned: success
aborted:
  description: Jobs whose build was aborted, cancelled, took too long or logged too much.
  type: list
  elements: str
  returned: success
newly_failing:
  description: Jobs that fail and succeeded before.
  type: list
  elements: str
  returned: success
still_failing:
  description: Jobs that fail as before.
  type: list
  elements: str
  returned: success
newly_succeeding:
  description: Jobs that succeed and failed before.
  type: list
  elements: str
  returned: success
still_succeeding:
  description: Jobs that succeed as before.
  type: list
  elements: str
  returned: success
reason:
  description: Why there is no evaluation, V(disabled), V(errors) or V(timeout).
  type: str
  returned: when the evaluation failed or did not come
errors:
  description: Errors of the evaluation, one a job.
  type: list
  elements: dict
  returned: when the evaluation failed or did not come
  contains:
    job: {description: The job., type: str, returned: always}
    message: {description: First lines of its error., type: str, returned: always}
"""

from typing import Any

from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.arguments import (
    CONNECTION,
    NAME,
    HydraModule,
    checked,
    connect,
    seconds,
)
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.credentials import shown
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.errors import HydraError
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.evaluation import job_changes
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.push import EvaluationError, Pusher, Waiting
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.values import jobset_name, project_name

ARGUMENTS = {
    **CONNECTION,
    "project": NAME,
    "jobset": NAME,
    "wait": {"type": "str", "choices": ["none", "evaluation", "builds"], "default": "evaluation"},
    "timeout": {"type": "str", "default": "20m"},
    "interval": {"type": "str", "default": "2s"},
}


def run(module: HydraModule) -> dict[str, Any]:
    """Push and wait, unless in check mode; return the result. Raises HydraError."""
    project = checked("project", module.params["project"], project_name)
    jobset = checked("jobset", module.params["jobset"], jobset_name)
    wait = module.params["wait"]
    client = connect(module).client
    waiting = Waiting(seconds(module, "timeout"), seconds(module, "interval"), wait == "builds")
    pusher = Pusher(client, project, jobset, waiting)
    before = pusher.ready()
    found: dict[str, Any] = {"evaluation": None, "jobs": job_changes((), ())}
    earlier = None if module.check_mode or wait == "none" else next(iter(pusher.evaluations()), None)
    if not module.check_mode:
        push = pusher.push(before)
        found = pusher.wait(push) if wait != "none" else found
    evaluation = found["evaluation"]
    new = evaluation is not None and (earlier is None or evaluation["id"] != earlier["id"])
    return {"changed": True, "evaluation": evaluation, "new_evaluation": new, **found["jobs"]}


def main() -> None:
    """Run the module."""
    module = HydraModule(ARGUMENTS)
    try:
        result = run(module)
    except EvaluationError as error:
        module.fail_json(msg=str(error), reason=error.reason, errors=error.errors)
    except HydraError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**shown(result))


if __name__ == "__main__":
    main()
