"""The playbook of a badge table: real Ansible, real esptool, simulated badges that a volunteer swaps."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time

import yaml
from ansible_collections.nixvegas.noc.plugins.module_utils.badge import nvs

from .badge_table import (
    BADGES,
    CHECKOUT,
    ENVIRONMENT,
    LOCKED,
    PLAYBOOK,
    SILENT_ONCE,
    UNPLUGGED,
    Table,
    badge,
    kill_all_of,
    name_of,
    volunteer,
    wait_for,
)


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


def test_check_mode_tells_all_and_writes_nothing(table: Table) -> None:
    one = badge(3)
    table.slots[2].plug(one)
    done = table.run("--check")
    assert done.returncode == 0, done.stdout
    assert f"slot 3: {one.mac} guest0 (cache): would write app, nvs, partition-table, bootloader" in done.stdout
    assert (one.flash.programmed_bytes, table.ledger.exists()) == (0, False)


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
