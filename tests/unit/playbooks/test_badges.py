"""The playbook of a badge table: real Ansible, real esptool, simulated badges that a volunteer swaps."""

from __future__ import annotations

import csv
import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from ansible_collections.nixvegas.noc.plugins.module_utils.badge import nvs
from ansible_collections.nixvegas.noc.tests.badge_simulator import (
    Badge,
    Fault,
    Kind,
    Slot,
    Trouble,
    mac_of,
    slots,
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


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    with slots(tmp_path, SLOTS) as made:
        yield Table(tmp_path, made)


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


def test_many_badges_with_faults_and_a_kill_in_the_middle(table: Table) -> None:
    """Every badge ends right or is reported, keeps the settings it was first given, and none are given twice."""
    badges = [badge(number) for number in range(BADGES)]
    with volunteer(table, badges):
        first = subprocess.Popen(
            table.command("-e", "badge_idle=60"),
            cwd=CHECKOUT,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_for(lambda: len(table.ended()) >= BADGES // 3)
        kill_all_of(first)
        before = {record["mac"]: record["row"] for record in table.records() if record["row"]}
        with table.ledger.open("a", encoding="utf-8") as ledger:
            ledger.write("2026-08-06T12:00:00+0000,60:55:f9")
        second = table.run("-e", "badge_idle=6")
    assert second.returncode == 2, second.stdout
    assert "a line that a crash had left unfinished was removed" in second.stdout
    assert "secure boot" in second.stdout
    right = [one for one in badges if not one.trouble.secure_boot]
    names = {one.mac: name_of(one) for one in right}
    assert {record["mac"] for record in table.records() if record["result"] == "passed"} == set(names)
    assert sorted(map(str, names.values())) == sorted(f"guest{number}" for number in range(BADGES - 1))
    assert {mac: names[mac] for mac in before if mac in names} == {
        mac: row for mac, row in before.items() if mac in names
    }


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


def test_a_second_run_skips_and_a_replugged_badge_gets_its_own_again(table: Table) -> None:
    first, second = badge(0), badge(1)
    table.slots[0].plug(first)
    assert table.run().returncode == 0
    table.slots[1].plug(second)
    again = table.run()
    assert again.returncode == 0, again.stdout
    assert f"slot 1: DONE {first.mac} guest0" in again.stdout
    assert "1 badges passed, 1 were done before, 0 failed" in again.stdout
    assert (name_of(first), name_of(second)) == ("guest0", "guest1")
    # With other settings it is not done; it keeps its line.
    table.slots[0].pull()
    other = yaml.safe_load(table.variables.read_text(encoding="utf-8"))
    other["badge_settings"]["cache_upstream"] = "other.nixos.lv"
    table.variables.write_text(yaml.safe_dump(other), encoding="utf-8")
    assert "PASS 60:55:f9:00:00:01 guest1 (cache): nvs" in table.run().stdout


def test_the_cache_is_the_events(table: Table, certificate: str) -> None:
    """Its name and its authority need not be written down a second time."""
    table.inventory = table.folder / "event"
    (table.inventory / ".secrets/tls").mkdir(parents=True)
    (table.inventory / "event.yml").write_bytes((CHECKOUT / "inventories/dc33/event.yml").read_bytes())
    (table.inventory / ".secrets/tls/ca.crt").write_text(certificate, encoding="utf-8")
    told = yaml.safe_load(table.variables.read_text(encoding="utf-8"))
    del told["badge_settings"]["cache_upstream"]
    table.variables.write_text(yaml.safe_dump(told), encoding="utf-8")
    one = badge(4)
    table.slots[0].plug(one)
    assert table.run().returncode == 0
    config = nvs.read(one.flash.read(0x9000, 0x3000))["config"]
    assert (config["cache_upstream"], config["cache_use_https"]) == ("cache.nixos.lv", 1)


def test_a_reader_that_goes_away_ends_the_run(table: Table) -> None:
    """As with `| grep -m1 PASS`: the badges in work are finished and in the ledger, others are not begun."""
    badges = [badge(number) for number in range(BADGES) if number not in (LOCKED, SILENT_ONCE, UNPLUGGED)]
    with (
        volunteer(table, badges),
        subprocess.Popen(
            table.command("-e", "badge_idle=600"),
            cwd=CHECKOUT,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        ) as run,
    ):
        assert run.stdout
        assert any("PASS" in line for line in run.stdout)
        run.stdout.close()
        wait_for(lambda: run.poll() is not None, 60)
    begun = {one.mac for one in badges if one.flash.programmed_bytes}
    assert {record["mac"] for record in table.records() if record["result"] == "passed"} == begun
    assert 1 <= len(begun) < len(badges)


def test_without_settings_for_the_events_cache_its_authority_is_not_needed(table: Table) -> None:
    """It is asked for, with the command that makes it, only where badges ask the event's cache by TLS."""
    table.inventory = table.folder / "event"
    table.inventory.mkdir()
    (table.inventory / "event.yml").write_bytes((CHECKOUT / "inventories/dc33/event.yml").read_bytes())
    one = badge(5)
    table.slots[0].plug(one)
    table.change("badge_settings", cache_upstream="other.example")
    assert table.run().returncode == 0
    config = nvs.read(one.flash.read(0x9000, 0x3000))["config"]
    assert (config["cache_upstream"], config["cache_use_https"]) == ("other.example", 0)
    table.change("badge_settings", cache_upstream="cache.nixos.lv")
    refused = table.run()
    assert refused.returncode == 2
    assert "ansible-playbook nixvegas.noc.secrets" in refused.stdout + refused.stderr
    table.change("badge_settings", cache_certificate="")
    assert table.run().returncode == 0
    config = nvs.read(one.flash.read(0x9000, 0x3000))["config"]
    assert (config["cache_upstream"], config["cache_use_https"]) == ("cache.nixos.lv", 0)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"badge_settings": [{"router_passphrase": PASSPHRASE}]}, "settings (badge_settings): it is a list"),
        ({"badge_settings": PASSPHRASE}, "settings (badge_settings): it is no mapping"),
        ({"badge_settings": {"mode": PASSPHRASE}, "badge_settings_file": ""}, "settings: mode: it is no mode"),
        ({"badge_ledger": ""}, "ledger (badge_ledger): it is empty"),
        ({"badge_idle": "abc"}, "idle (badge_idle): 'abc' is no time"),
        ({"badge_idle": -5}, "idle (badge_idle): '-5' is no time"),
        ({"badge_firmware": "/nonexistent"}, "/nonexistent/flasher_args.json: it is not there; name the folder"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_error(table: Table, variables: dict[str, object], words: str) -> None:
    one = badge(0)
    table.slots[0].plug(one)
    told = yaml.safe_load(table.variables.read_text(encoding="utf-8"))
    table.variables.write_text(yaml.safe_dump(told | variables), encoding="utf-8")
    done = table.run()
    assert done.returncode == 2
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert (one.commands, table.ledger.exists()) == (0, False)


def test_check_mode_tells_all_and_writes_nothing(table: Table) -> None:
    one = badge(3)
    table.slots[2].plug(one)
    done = table.run("--check")
    assert done.returncode == 0, done.stdout
    assert f"slot 3: {one.mac} guest0 (cache): would write app, nvs, partition-table, bootloader" in done.stdout
    assert (one.flash.programmed_bytes, table.ledger.exists()) == (0, False)


def test_mistakes_are_told_before_a_badge_is_touched(table: Table) -> None:
    table.slots[0].plug(badge(0))
    (table.folder / "names.csv").write_text("name,mode\nzoe,dark\n", encoding="utf-8")
    done = table.run()
    assert done.returncode == 2
    assert "line 2: mode: it is no mode" in done.stdout + done.stderr
    assert not table.ledger.exists()


def test_the_screen_and_ctrl_c(table: Table) -> None:
    """On a terminal: large words, Ctrl-C ends with a summary and status 0, and the terminal is as it was."""
    table.slots[0].plug(badge(0))
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(CHECKOUT)
        os.execve(PLAYBOOK[0], table.command(), ENVIRONMENT)
    seen = ""

    def read() -> bool:
        nonlocal seen
        ready, _, _ = select.select([terminal], [], [], 0.1)
        try:
            seen += os.read(terminal, 65536).decode("utf-8", "replace") if ready else ""
        except OSError:
            return False
        return True

    wait_for(lambda: read() and "SWAP NOW: slot 1" in seen)
    assert "\x1b[?1049h" in seen
    os.write(terminal, b"\x03")
    deadline = time.monotonic() + 120
    while read():
        assert time.monotonic() < deadline
    _process, status = os.waitpid(process, 0)
    os.close(terminal)
    after = seen.rsplit("\x1b[?1049l", maxsplit=1)[-1]
    assert "1 badges passed, 0 were done before, 0 failed" in re.sub(r"\s+", " ", after)
    assert os.waitstatus_to_exitcode(status) == 0, after
