# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All of C(badge_table): checks what it is given, gives the program of the table the terminal, or prints its lines."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.table.options import Options, dump
from ansible_collections.nixvegas.noc.plugins.plugin_utils.badge_table.event_cache import EventCache
from ansible_collections.nixvegas.noc.plugins.plugin_utils.badge_table.given import mistakes
from ansible_collections.nixvegas.noc.plugins.plugin_utils.badge_table.settings_table import (
    TableError,
    mac_of,
    read,
    shared_row,
)
from ansible_collections.nixvegas.noc.plugins.plugin_utils.badge_table.terminal import is_read, terminal_of

PROGRAM = "ansible_collections.nixvegas.noc.plugins.module_utils.badge.table"
COLLECTIONS = Path(__file__).parents[5]
ARGUMENTS: dict[str, dict[str, Any]] = {
    "firmware": {"type": "path", "required": True},
    "ledger": {"type": "path", "required": True},
    "settings": {"type": "dict", "default": {}},
    "settings_file": {"type": "path"},
    "cache_upstream": {"type": "str", "default": ""},
    "cache_certificate_file": {"type": "path"},
    "slots": {"type": "list", "elements": "str", "default": []},
    "ports": {"type": "list", "elements": "path", "default": []},
    "baud": {"type": "int", "default": 460800},
    "idle": {"type": "float"},
    "release": {"type": "list", "elements": "str", "default": []},
    "screen": {"type": "bool", "default": True},
    "title": {"type": "str", "default": "Nix badges"},
    "python": {"type": "path", "default": "/opt/nixvegas/badge/bin/python"},
}


class ActionModule(ActionBase):
    """Runs on the station, which is the controller."""

    _supports_check_mode = True
    _requires_connection = False
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See C(badge_table)'s documentation."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        # Before Ansible's own checks, whose words may quote settings.
        if wrong := list(mistakes(self._task.args)):
            raise AnsibleActionFail("\n".join(f"badge_table: {mistake}" for mistake in wrong))
        _validation, given = self.validate_argument_spec(ARGUMENTS)
        if self._connection.transport != "local":
            raise AnsibleActionFail(
                f"badge_table: {self._play_context.remote_addr} is another machine, and the table needs the terminal of"
                " the one that its slots are on; log in there and run this playbook on it"
            )
        check = bool(self._task.check_mode)
        with ExitStack() as stack:
            terminal = stack.enter_context(terminal_of(os.getppid())) if given["screen"] and not check else None
            idle = given["idle"] if given["idle"] is not None or terminal is not None else 0.0
            options = self._options(given, 0.0 if check else idle, check)
            return {**result, **self._run_program(given["python"], options, terminal)}

    def _options(self, given: Mapping[str, Any], idle: float | None, check: bool) -> Options:
        settings, file = given["settings"], given["settings_file"]
        cache = EventCache(given["cache_upstream"], lambda: self._certificate(given["cache_certificate_file"]))
        released = [mac_of(mac) for mac in given["release"]]
        ports = {_slot_of(port): _absolute(port) for port in given["ports"]}
        try:
            if any(wrong for _mac, wrong in released):
                raise TableError("release: it has a MAC that is none; write each as 60:55:f9:00:00:07")
            if len(ports) != len(given["ports"]):
                raise TableError("ports: two have the same last part, which names the slot; make links of other names")
            rows = read(self._text(file), file, settings, cache) if file else ()
            default = shared_row(settings, rows, cache)
        except TableError as error:
            raise AnsibleActionFail(f"badge_table: {error}") from None
        return Options(
            firmware=_absolute(given["firmware"]),
            ledger=_absolute(given["ledger"]),
            slots=tuple(given["slots"]),
            ports=ports,
            rows=rows,
            default=default,
            baud=given["baud"],
            idle=idle,
            check=check,
            release=tuple(mac for mac, _wrong in released),
            title=given["title"],
        )

    def _text(self, file: str) -> str:
        """A file's text, decrypted if it is a vault's. It has passphrases in it."""
        try:
            return str(self._loader.get_text_file_contents(_absolute(file)))
        except UnicodeDecodeError:
            raise TableError(f"{file}: it is no UTF-8; save it with that encoding") from None
        except (AnsibleError, OSError):
            raise TableError(
                f"{file}: it cannot be read; is it there, is it yours, and does its vault have this password?"
            ) from None

    def _certificate(self, file: str | None) -> str:
        """The authority's certificate of the event's secrets."""
        if not file or not Path(file).is_file():
            raise TableError(
                f"cache_certificate: badges are to ask the event's cache by TLS, and its authority {file or ''} is not"
                " there; make it with `ansible-playbook nixvegas.noc.secrets` and the event's inventory, or set"
                " cache_certificate (to '' for plain HTTP)"
            )
        return self._text(file)

    def _run_program(self, python: str, options: Options, terminal: int | None) -> dict[str, Any]:
        if not Path(python).exists():
            raise AnsibleActionFail(f"badge_table: there is no {python}; apply the role badge to this machine first")
        with ExitStack() as stack:
            # In memory, not on a disk: passphrases are in the options.
            told, came_out, wrong = (
                stack.enter_context(os.fdopen(os.memfd_create(name), "w+b")) for name in ("options", "result", "errors")
            )
            told.write(dump(options).encode())
            told.flush()
            command = [python, "-m", PROGRAM, f"/dev/fd/{told.fileno()}", "--result", f"/dev/fd/{came_out.fileno()}"]
            if terminal is not None:
                command.append("--screen")
            program = subprocess.Popen(
                command,
                env=os.environ | {"PYTHONPATH": str(COLLECTIONS), "PYTHONDONTWRITEBYTECODE": "1"},
                stdin=subprocess.DEVNULL if terminal is None else terminal,
                stdout=subprocess.PIPE if terminal is None else terminal,
                stderr=wrong,
                pass_fds=(told.fileno(), came_out.fileno()),
                text=True,
                encoding="utf-8",
            )
            reader = True
            for line in program.stdout or ():
                if reader and not (reader := is_read(os.getppid())):
                    # Nobody reads on: the badges in work are finished, and no others are begun.
                    program.send_signal(signal.SIGINT)
                if reader:
                    Display().display(line.rstrip("\n"))
            status = program.wait()
            came_out.seek(0)
            wrong.seek(0)
            return _result(status, came_out.read(), wrong.read().decode("utf-8", "replace"))


def _result(status: int, came_out: bytes, wrong: str) -> dict[str, Any]:
    """What the task returns."""
    result: dict[str, Any] = (
        json.loads(came_out) if came_out else {"error": f"the program ended with {status}\n{wrong}"}
    )
    if "error" in result:
        return {"changed": False, "failed": True, "msg": f"badge_table: {result['error'].strip()}"}
    return {**result, "failed": status != 0}


def _slot_of(port: str) -> str:
    """The name of a port's slot: 3 for /dev/badge/slot3."""
    name = Path(port).name
    return name.removeprefix("slot") or name


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute())
