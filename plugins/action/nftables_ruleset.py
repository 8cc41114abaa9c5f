# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apply a ruleset, then confirm it over a new connection; unconfirmed, the host undoes it by itself."""

from __future__ import annotations

import secrets
import time
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.plugins.connection import ConnectionBase
from ansible.utils.display import Display

MODULE = "nixvegas.noc.nftables_ruleset"
DEFAULT_TIMEOUT = 30
_UNDO_TAKES = 2  # seconds from the end of the timer until the former tables stand
_TRIES_AFTER_UNDO = 3

display = Display()


class ActionModule(ActionBase):
    """Runs the module once if nothing changes in the kernel, twice if something does."""

    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The module's result; failed if no new connection succeeded and the former tables were put back."""
        super().run(tmp, task_vars)
        variables = task_vars or {}
        self._change = secrets.token_hex(8)
        timeout = self._timeout()
        if self._task.check_mode or timeout <= 0 or not self._can_reconnect():
            return self._module("whole", variables)
        try:
            applied = self._module("apply", variables)
        except AnsibleConnectionFailure as error:
            raise AnsibleConnectionFailure(
                "The connection was lost while the ruleset was applied. If the ruleset is the reason, the host puts its"
                f" former tables back within {timeout} seconds: {error}"
            ) from error
        if applied.get("failed") or not applied.pop("confirm_pending", False):
            return applied
        confirmation = self._confirm(time.monotonic() + timeout, variables)
        if confirmation.get("failed"):
            return {**confirmation, "changed": False, "diff": applied.get("diff", [])}
        warnings = [*applied.get("warnings", []), *confirmation.get("warnings", [])]
        return {**applied, "confirmed": True, "warnings": warnings}

    def _timeout(self) -> int:
        try:
            return int(self._task.args.get("confirm_timeout", DEFAULT_TIMEOUT))
        except (TypeError, ValueError):
            return 0  # the module refuses the value and says so

    def _can_reconnect(self) -> bool:
        return type(self._connection).reset is not ConnectionBase.reset

    def _module(self, phase: str, task_vars: dict[str, Any]) -> dict[str, Any]:
        arguments = {**self._task.args, "phase": phase, "change": self._change}
        result: dict[str, Any] = self._execute_module(module_name=MODULE, module_args=arguments, task_vars=task_vars)
        return result

    def _confirm(self, deadline: float, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Confirm over a new connection, trying until the host has undone the change; then ask what became of it."""
        failures_after_undo = 0
        while True:
            started = time.monotonic()
            try:
                self._connection.reset()
                return self._module("confirm", task_vars)
            except AnsibleConnectionFailure as error:
                display.vv(f"nftables_ruleset: no new connection: {error}")
                if started > deadline + _UNDO_TAKES:
                    failures_after_undo += 1
                if failures_after_undo >= _TRIES_AFTER_UNDO:
                    raise AnsibleConnectionFailure(
                        "The host cannot be reached any more since the ruleset was applied, although it must have put"
                        f" its former tables back by now: {error}"
                    ) from error
            now = time.monotonic()
            time.sleep(1 if now < deadline else max(1, deadline + _UNDO_TAKES - now))
