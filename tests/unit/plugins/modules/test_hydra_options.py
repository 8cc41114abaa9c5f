# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the hydra_* modules are those their documentation names."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
import yaml
from ansible_collections.nixvegas.noc.plugins.doc_fragments.hydra import ModuleDocFragment
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.arguments import jobset_options
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.fields import JOBSET

SHARED = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]


def described(options: dict[str, Any], suboptions: str) -> dict[str, Any]:
    """What documentation and arguments both say. Fallbacks to the environment are told in words."""
    return {
        name: {
            "type": option["type"],
            "elements": option.get("elements"),
            "required": option.get("required", False),
            "default": option.get("default"),
            "choices": option.get("choices"),
            "of": described(option.get(suboptions, {}), suboptions),
        }
        for name, option in options.items()
    }


@pytest.mark.parametrize("name", ["project", "jobset", "evaluation", "info"])
def test_documentation(name: str) -> None:
    module = importlib.import_module(f"ansible_collections.nixvegas.noc.plugins.modules.hydra_{name}")
    options = module.ARGUMENTS
    if name == "project":
        # Read jobset by jobset, so that mistakes name it.
        options = options | {"jobsets": options["jobsets"] | {"options": jobset_options(JOBSET)}}
    documented = SHARED | yaml.safe_load(module.DOCUMENTATION)["options"]
    assert described(documented, "suboptions") == described(options, "options")
