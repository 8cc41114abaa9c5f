# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's part of C(verify_report), which is all of it: prints the table and fails if an answer is wrong."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.nixvegas.noc.plugins.plugin_utils.verify.report import Row, rows_of, table

ARGUMENTS = {
    "answers": {"type": "dict", "required": True},
    "not_asked": {"type": "list", "elements": "str", "default": []},
}


def silent(answers: dict[str, Any]) -> list[Row]:
    """A row for each host that gave no answers at all."""
    return [
        Row(host, "answers", "some", "none: the host was not reached, or its probe failed", False)
        for host, given in answers.items()
        if given is None
    ]


class ActionModule(ActionBase):
    """Runs on the controller only."""

    _supports_check_mode = True
    _requires_connection = False
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See C(verify_report)'s documentation."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(ARGUMENTS)
        answers = options["answers"]
        rows = rows_of((host, answer) for host, given in answers.items() for answer in given or []) + silent(answers)
        Display().display("\n" + table(rows, options["not_asked"]))
        wrong = [str(row) for row in rows if not row.ok]
        if not rows:
            wrong = ["nothing was asked: is a host in the group 'clients', and within --limit?"]
        result.update(changed=False, failed=bool(wrong), rows=len(rows), wrong=wrong)
        result["msg"] = f"{len(wrong)} of {len(rows)} rows are wrong" if wrong else f"all {len(rows)} rows are right"
        return result
