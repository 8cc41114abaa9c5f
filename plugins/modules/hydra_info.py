#!/usr/bin/python
# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Hydra has: projects, jobsets, evaluations."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hydra_info
short_description: Read the projects and jobsets of a Hydra
version_added: 0.1.0
author: The Nix Vegas NOC (@NixVegas)
description:
  - Reads projects, jobsets with their inputs, and latest evaluations of a Hydra (the continuous integration server of
    Nix).
  - With O(format=event) it writes the part of an event file that would recreate them.
extends_documentation_fragment: [nixvegas.noc.attributes, nixvegas.noc.hydra]
attributes:
  diff_mode:
    support: none
    details:
      - Changes nothing.
options:
  projects:
    description: Identifiers of the projects to read; by default all, hidden ones too.
    type: list
    elements: str
    default: []
  format:
    description: Whether to return data, or the part of an event file that would recreate it.
    type: str
    choices: [data, event]
    default: data
  evaluations:
    description: Whether to read the latest evaluation of each jobset, with one more request each.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Read an existing Hydra
  nixvegas.noc.hydra_info:
    url: https://hydra.nixos.org
    projects: [nixos]
    format: event
  register: found

- name: Keep it
  ansible.builtin.copy:
    content: "{{ found.event }}"
    dest: hydra-part-of-event.yml
    mode: "0644"
"""

RETURN = r"""
projects:
  description:
    - The projects with all fields of module M(nixvegas.noc.hydra_project), so that each can be given to it, with
      C(jobsets), those of module M(nixvegas.noc.hydra_jobset). Durations are in seconds.
    - A jobset's C(latest_evaluation) is beside them in RV(latest_evaluations).
  type: list
  elements: dict
  returned: when O(format=data)
  sample:
    - name: nixvegas
      display_name: Nix Vegas
      description: ""
      homepage: ""
      owner: numinit
      enabled: true
      visible: true
      dynamic_run_command: false
      declarative: {}
      jobsets: []
latest_evaluations:
  description: The latest evaluation that brought builds, by C(PROJECT:JOBSET), as Hydra says it; null if there is none.
  type: dict
  returned: when O(format=data) and O(evaluations=true)
event:
  description: Part of an event file, with the key C(hydra), as text.
  type: str
  returned: when O(format=event)
  sample: |
    hydra:
      url: "https://hydra.dc.nixos.lv"
      projects:
        nixvegas:
          owner: numinit
      jobsets:
        nixvegas:event:
          flake: github:NixVegas/infra
"""

from collections.abc import Iterator
from typing import Any

from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.arguments import (
    CONNECTION,
    HydraModule,
    checked,
    connect,
)
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.credentials import shown
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.documents import Document
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.errors import HydraError
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.export import as_yaml, event_part, notes_of
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.server import DECLARED, Server
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.values import project_name

ARGUMENTS = {
    **CONNECTION,
    "projects": {"type": "list", "elements": "str", "default": []},
    "format": {"type": "str", "choices": ["data", "event"], "default": "data"},
    "evaluations": {"type": "bool", "default": True},
}


def run(module: HydraModule) -> dict[str, Any]:
    """Read and return the result. Raises HydraError."""
    server, options = connect(module), module.params
    for name in options["projects"]:
        checked("projects", name, project_name)
    found = read(server, options["projects"])
    for note in notes_of(found):
        module.warn(note)
    if options["format"] == "event":
        return {"changed": False, "event": as_yaml({"hydra": event_part(server.client.base, found)})}
    result: dict[str, Any] = {
        "changed": False,
        "projects": [
            {"name": name, **project, "jobsets": [{"name": jobset, **jobsets[jobset]} for jobset in jobsets]}
            for name, (project, jobsets) in found.items()
        ],
    }
    if options["evaluations"]:
        result["latest_evaluations"] = {
            f"{name}:{jobset}": shown(server.latest_evaluation(name, jobset))
            for name, (_project, jobsets) in found.items()
            for jobset in jobsets
        }
    return result


def read(server: Server, names: list[str]) -> dict[str, tuple[Document, dict[str, Document]]]:
    """Projects with their jobsets, by name. Raises HydraError where one is missing."""
    found = {}
    for name in names or server.projects():
        project = server.project(name)
        if project is None:
            raise HydraError(f"project {name} does not exist on {server.client.base}")
        # One that is removed in between is no longer there to be told of.
        jobsets = {jobset: server.jobset(name, jobset) for jobset in sorted(project[1]) if jobset != DECLARED}
        found[name] = (project[0], {jobset: document for jobset, document in jobsets.items() if document is not None})
    return found


def texts_of(data: Any) -> Iterator[str]:
    """Every text in a result, keys too."""
    if isinstance(data, dict):
        data = [*data, *data.values()]
    if isinstance(data, list):
        for item in data:
            yield from texts_of(item)
    else:
        yield str(data)


def check_password(password: str | None, result: dict[str, Any]) -> None:
    """Refuse a result that Ansible would garble: it masks the password wherever it stands, in a name or text too."""
    if password and any(password in text for text in texts_of(result)):
        raise HydraError(
            "the password is also a part of what was read, and Ansible would put asterisks there; read without signing"
            " in, or choose a password that is no word"
        )


def main() -> None:
    """Run the module."""
    module = HydraModule(ARGUMENTS)
    try:
        result = run(module)
        check_password(module.params["password"], result)
    except HydraError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
