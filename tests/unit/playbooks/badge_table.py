"""A badge table to run the playbook on: its slots, its files, badges with faults, and a volunteer who swaps them."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from ansible_collections.nixvegas.noc.plugins.module_utils.badge import nvs
from ansible_collections.nixvegas.noc.tests.badge_simulator import (
    Badge,
    Fault,
    Kind,
    Slot,
    Trouble,
    mac_of,
)
from ansible_collections.nixvegas.noc.tests.badge_simulator.firmware import write_build

CHECKOUT = Path(__file__).resolve().parents[3]
PLAYBOOK = [str(Path(sys.executable).parent / "ansible-playbook"), "playbooks/badges.yml"]
PASSPHRASE = "correct horse battery"
ENVIRONMENT = os.environ | {"ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "TERM": "xterm-256color"}
BADGES, SLOTS = 24, 8
LOCKED, SILENT_ONCE, UNPLUGGED = 22, 9, 14


class Table:
    """A table with its slots, variables and files."""

    def __init__(self, folder: Path, table: list[Slot]) -> None:
        self.folder, self.slots, self.ledger = folder, table, folder / "ledger.csv"
        self.variables = folder / "variables.yml"
        self.inventory: Path | None = None
        names = folder / "names.csv"
        names.write_text("name\n" + "".join(f"guest{number}\n" for number in range(BADGES)), encoding="utf-8")
        variables = {
            "badge_firmware": str(write_build(folder / "build")),
            "badge_ledger": str(self.ledger),
            "badge_ports": [slot.port for slot in table],
            "badge_python": sys.executable,
            "badge_settings_file": str(names),
            "badge_settings": {
                "mode": "cache",
                "router_ssid": "NixVegas",
                "router_passphrase": PASSPHRASE,
                "cache_upstream": "cache.nixos.lv",
            },
        }
        self.variables.write_text(yaml.safe_dump(variables), encoding="utf-8")

    def change(self, variable: str, **values: object) -> None:
        """Change values of a variable."""
        told = yaml.safe_load(self.variables.read_text(encoding="utf-8"))
        told[variable].update(values)
        self.variables.write_text(yaml.safe_dump(told), encoding="utf-8")

    def command(self, *arguments: str) -> list[str]:
        inventory = ["-i", str(self.inventory)] if self.inventory else ["-i", "localhost,"]
        return [*PLAYBOOK, *inventory, "-e", f"@{self.variables}", *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One run without a terminal; never the passphrase."""
        done = subprocess.run(
            self.command("-vvv", *arguments),
            cwd=CHECKOUT,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert PASSPHRASE not in done.stdout + done.stderr + self.written()
        return done

    def written(self) -> str:
        return self.ledger.read_text(encoding="utf-8") if self.ledger.exists() else ""

    def records(self) -> list[dict[str, str]]:
        """The lines of the ledger that have an end."""
        return list(csv.DictReader(self.written()[: self.written().rfind("\n") + 1].splitlines()))

    def ended(self) -> set[str]:
        """The badges with a result; a locked one tells no MAC."""
        return {record["mac"] for record in self.records() if record["result"] != "assigned"}


def badge(number: int) -> Badge:
    trouble = {
        LOCKED: Trouble(secure_boot=True),
        SILENT_ONCE: Trouble((Fault(Kind.DROP, 40),)),
        UNPLUGGED: Trouble((Fault(Kind.UNPLUG, 60, returns_after=0.3),)),
    }
    return Badge(mac_of(number), trouble=trouble.get(number))


def name_of(one: Badge) -> object:
    return nvs.read(one.flash.read(0x9000, 0x3000)).get("config", {}).get("name")


HANDS_SECONDS = 1.0
"""No hand pulls a cable and plugs the next badge in any faster."""


@contextmanager
def volunteer(table: Table, badges: list[Badge]) -> Iterator[None]:
    """Swaps badges that have ended for the next, as the ledger says, until there are none left."""
    waiting, gone, tired = list(badges), threading.Event(), set[str]()
    pulled: dict[str, float] = {}

    def swap() -> None:
        while not gone.wait(0.1):
            records = table.records()
            for slot in table.slots:
                name = slot.path.name.removeprefix("slot")
                mine = slot.badge
                done = mine is not None and (
                    mine.mac in table.ended()
                    or (mine.trouble.secure_boot and any(r["slot"] == name and not r["mac"] for r in records))
                )
                if mine is not None and done and mine.mac not in tired and waiting:
                    tired.add(mine.mac)
                    slot.pull()
                    pulled[name] = time.monotonic()
                if slot.badge is None and waiting and time.monotonic() - pulled.get(name, 0) > HANDS_SECONDS:
                    slot.plug(waiting.pop(0))

    person = threading.Thread(target=swap)
    person.start()
    try:
        yield
    finally:
        gone.set()
        person.join()


def wait_for(condition: object, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def kill_all_of(run: subprocess.Popen[bytes]) -> None:
    """kill -9 for ansible-playbook, its worker and the table's program, as when the machine is switched off."""
    children = subprocess.run(
        ["ps", "--no-headers", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    parents = [tuple(map(int, line.split())) for line in children.splitlines()]
    family = [run.pid]
    for parent in family:
        family += [process for process, its_parent in parents if its_parent == parent]
    for process in family:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue
    run.wait()
