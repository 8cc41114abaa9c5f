# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of playbooks/hydra.yml: what the event's Hydra builds. Of localhost, where it runs, and no other host."""

from __future__ import annotations

from typing import Any

from ..model import Event


def variables(event: Event) -> dict[str, Any]:
    """Each project as module hydra_project takes it, exact: the file says what is, not what to change."""
    if event.hydra is None:
        return {"hydra_projects": []}
    return {
        "hydra_url": event.hydra.url,
        "hydra_projects": [
            {"name": name, "exact": True, **project, "jobsets": event.hydra.jobsets_of(name)}
            for name, project in event.hydra.projects.items()
        ],
    }
