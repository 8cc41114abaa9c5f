# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shapes of answers, against those of a real Hydra. What does not fit is tested on the modules."""

from __future__ import annotations

import json
import re

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra import shapes
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.recording import Exchange, exchanges

BY_REQUEST = {
    r"GET /": shapes.PROJECTS_ANSWER,
    r"GET /project/[^/]+": shapes.PROJECT_ANSWER,
    r"GET /jobset/[^/]+/[^/]+": shapes.JOBSET_ANSWER,
    r"GET /jobset/[^/]+/[^/]+/evals": shapes.EVALUATIONS_ANSWER,
    r"GET /jobset/[^/]+/[^/]+/errors": shapes.ERRORS_ANSWER,
    r"GET /eval/\d+/builds": shapes.BUILDS_ANSWER,
    r"P\w+ /api/push": shapes.PUSH_ANSWER,
    r"POST /login": shapes.USER_ANSWER,
}


def recorded(request: str) -> list[Exchange]:
    """The successes of a kind of request, but for those whose record is cut ("…")."""
    found = (one for one in exchanges() if one.status in (200, 302) and one.body.endswith(("}", "]")))
    return [one for one in found if re.fullmatch(request, f"{one.method} {one.target.partition('?')[0]}")]


@pytest.mark.parametrize("request_line", BY_REQUEST)
def test_real_answers_fit(request_line: str) -> None:
    found = recorded(request_line)
    assert found
    assert {one.name: shapes.misfit(BY_REQUEST[request_line], json.loads(one.body)) for one in found} == {
        one.name: None for one in found
    }
