"""Counts module runs: one line `HOST MODULE` in $MODULE_RUNS for each that is sent to a host."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: module_runs
type: aggregate
short_description: Counts module runs
description: Writes a line for each module that is run on a host, also for those that action plugins run.
"""


class CallbackModule(CallbackBase):
    """Wraps the one method that runs modules; the workers, forked later, inherit it."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "module_runs"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        record, execute = Path(os.environ["MODULE_RUNS"]), ActionBase._execute_module

        def counted(action: Any, module_name: Any = None, *rest: Any, **more: Any) -> Any:
            variables = more.get("task_vars") or {}
            host = variables.get("inventory_hostname", action._play_context.remote_addr)
            with record.open("a") as lines:
                lines.write(f"{host} {module_name or action._task.action}\n")
            return execute(action, module_name, *rest, **more)

        ActionBase._execute_module = counted
