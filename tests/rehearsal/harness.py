"""The rehearsal's command line and Ansible's, as the tests use them; everything printed is kept."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
CALLBACKS = Path(__file__).with_name("callback")
EVENT = CHECKOUT / "inventories" / "dc33"
HOSTS = {"adamantia", "bigzam", "genos", "ghostgate", "saitama", "tatsumaki", "vivec"}
RECAP = re.compile(
    r"^(?P<host>\S+) +: ok=\d+ +changed=(?P<changed>\d+) +unreachable=(?P<unreachable>\d+) +failed=(?P<failed>\d+)",
    re.M,
)


@dataclass
class Run:
    """A finished run of ansible-playbook."""

    output: str
    exit_code: int
    seconds: float
    modules: Counter[str] = field(default_factory=Counter)

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """By host: changed, unreachable, failed."""
        found = [match.groupdict() for match in RECAP.finditer(self.output)]
        return {row.pop("host"): {key: int(value) for key, value in row.items()} for row in found}

    @property
    def changed(self) -> dict[str, int]:
        """By host, how many tasks changed something; hosts without changes are left out."""
        return {host: counts["changed"] for host, counts in self.recap.items() if counts["changed"]}


@dataclass(frozen=True)
class Task:
    """A task's result on one host, from the JSON callback."""

    name: str
    host: str
    result: Mapping[str, Any]


@dataclass
class Rehearsal:
    """The rehearsal's command line, with everything it prints kept."""

    records: Path

    def command(self, *words: str, check: bool = True, environment: Mapping[str, str] | None = None) -> Run:
        """Run `python3 -m rehearsal` from a folder that is not the checkout."""
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "rehearsal", *words],
            cwd=self.records,
            env=os.environ | {"PYTHONPATH": str(CHECKOUT), **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - started
        (self.records / f"{len(list(self.records.iterdir())):03}.log").write_text(done.stdout)
        assert done.returncode == 0 or not check, f"{' '.join(words)}:\n{done.stdout[-6000:]}"
        return Run(done.stdout, done.returncode, seconds)

    def put_up(self, *options: str) -> None:
        """Put the event up."""
        self.command("up", str(EVENT), *options)

    def shell(self, host: str, script: str) -> str:
        """Run a script on a container, as a hand would."""
        return self.command("shell", str(EVENT), host, "--", "sh", "-ec", script).output

    def ansible(self, *words: str, check: bool = True, environment: Mapping[str, str] | None = None) -> Run:
        """Run one of Ansible's programs, counting module runs."""
        counted = self.records / "modules"
        counted.unlink(missing_ok=True)
        counting = {
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "module_runs",
            "MODULE_RUNS": str(counted),
        }
        run = self.command(
            "run", str(EVENT), "--", *words, check=check, environment={**counting, **(environment or {})}
        )
        lines = counted.read_text().splitlines() if counted.exists() else []
        run.modules = Counter(line.split()[0] for line in lines)
        return run

    def playbook(self, name: str, *options: str, check: bool = True) -> Run:
        """Run a playbook of the collection by its full name."""
        return self.ansible("ansible-playbook", f"nixvegas.noc.{name}", *options, check=check)

    def tasks(self, name: str, *options: str) -> list[Task]:
        """Run a playbook; what changed or failed, task by task."""
        environment = {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}
        run = self.ansible("ansible-playbook", f"nixvegas.noc.{name}", *options, environment=environment)
        # deprecation warnings and the like may stand before and after the document
        document = json.loads(
            run.output[run.output.index("\n{") if not run.output.startswith("{") else 0 : run.output.rindex("}") + 1]
        )
        return [
            Task(task["task"]["name"], host, result)
            for play in document["plays"]
            for task in play["tasks"]
            for host, result in task["hosts"].items()
        ]

    def variables(self, host: str) -> dict[str, Any]:
        """The variables of a host in the rehearsal."""
        output = self.ansible("ansible-inventory", "--host", host).output
        variables: dict[str, Any] = json.loads(output, object_hook=lambda item: item.get("__ansible_unsafe", item))
        return variables

    @property
    def secrets(self) -> Path:
        """The folder of this rehearsal's secrets, as the inventory names it."""
        return Path(self.variables("ghostgate")["secrets_dir"])
