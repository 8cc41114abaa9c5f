# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The transaction: what it does, what it puts back, and what it leaves when it is killed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.commands import Result
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.model import (
    ABSENT,
    Apply,
    Health,
    Purge,
    Request,
    Service,
    ServiceConfigError,
    Wanted,
)
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.transaction import Outcome, Transaction

from .helpers import FakeHost, Unit, folder, text_file, wanted

SERVICE = Service("x.service", enabled=True, state="started", on_change="reload")


class Killed(BaseException):
    """The machine lost power: nothing catches this."""


def contents(top: Path) -> dict[str, str]:
    return {
        str(path.relative_to(top)): str(path.readlink()) if path.is_symlink() else path.read_text()
        for path in sorted(top.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


class Bench:
    """A folder with an old configuration, a request for a new one, and a host."""

    def __init__(self, top: Path) -> None:
        self.etc, self.state = top / "etc", top / "state"
        self.etc.mkdir()
        (self.etc / "conf").write_text("old\n")
        (self.etc / "obsolete").write_text("gone soon\n")
        (self.etc / "link").symlink_to("old-target")
        self.host = FakeHost({"x.service": Unit("active", "enabled")})
        self.request = Request(
            name="bench",
            wanted=(
                Wanted(str(self.etc), folder()),
                wanted(self.etc / "conf", "new\n"),
                wanted(self.etc / "link", "a file now\n"),
                wanted(self.etc / "fresh", "fresh\n"),
                Wanted(str(self.etc / "sub"), folder()),
                wanted(self.etc / "sub" / "deep", "deep\n"),
            ),
            purges=(Purge(str(self.etc)),),
            apply=(Apply(("apply-conf",), ("*/conf",)), Apply(("apply-other",), ("*/other",))),
            services=(SERVICE,),
            health=(Health(("ask",)),),
            health_timeout=0,
        )
        self.etc.chmod(0o755)

    def run(self, *, check_mode: bool = False, die_at: str | None = None) -> Outcome:
        def step(name: str) -> None:
            if name == die_at:
                raise Killed

        transaction = Transaction(
            self.request, self.host.run, check_mode=check_mode, state_folder=self.state, step=step
        )
        return transaction.execute()

    @property
    def journal(self) -> Path:
        return self.state / "bench" / "journal.json"


OLD = {"conf": "old\n", "link": "old-target", "obsolete": "gone soon\n"}
NEW = {"conf": "new\n", "fresh": "fresh\n", "link": "a file now\n", "sub/deep": "deep\n"}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_everything_is_changed_and_the_second_run_finds_nothing(bench: Bench) -> None:
    outcome = bench.run()
    assert outcome.changed
    assert contents(bench.etc) == NEW
    assert bench.host.calls == ["ask", "apply-conf", "systemctl reload-or-restart -- x.service", "ask"]
    assert not bench.journal.exists()
    bench.host.calls.clear()
    again = bench.run()
    assert not again.changed
    assert bench.host.calls == ["ask"]


def test_check_mode_says_the_same_and_changes_nothing(bench: Bench) -> None:
    predicted = bench.run(check_mode=True)
    assert contents(bench.etc) == OLD
    assert not bench.state.exists()
    assert bench.host.calls == ["ask"]
    done = bench.run()
    assert (predicted.changes, predicted.notes) == (done.changes, done.notes)


@pytest.mark.parametrize(
    "step", ["record", *(f"write {number}" for number in range(6)), "apply", "services", "health", "end"]
)
def test_a_killed_run_is_undone_by_the_next(bench: Bench, step: str) -> None:
    bench.host.units["x.service"] = Unit("inactive", "disabled")
    with pytest.raises(Killed):
        bench.run(die_at=step)
    left = bench.journal.exists()
    assert left is (step != "record")
    # The next run cannot go on either, so that what recovery did can be seen.
    bench.host.answers["ask"] = Result(1)
    with pytest.raises(ServiceConfigError, match="The former configuration is back"):
        bench.run()
    assert contents(bench.etc) == OLD
    assert bench.host.units["x.service"] == Unit("inactive", "disabled")
    assert not bench.journal.exists()


@pytest.mark.parametrize("step", ["write 2", "apply", "end"])
def test_after_a_killed_run_the_next_says_so_and_completes(bench: Bench, step: str) -> None:
    with pytest.raises(Killed):
        bench.run(die_at=step)
    predicted = bench.run(check_mode=True)
    assert predicted.recovered
    assert bench.journal.exists()
    outcome = bench.run()
    assert outcome.recovered
    assert outcome.changes == predicted.changes
    assert contents(bench.etc) == NEW
    assert not bench.run().changed


def test_failing_health_puts_files_and_services_back(bench: Bench) -> None:
    bench.host.answers["ask"] = [Result(0), Result(1, stderr="no answer")]
    with pytest.raises(ServiceConfigError) as caught:
        bench.run()
    assert "ask ended with 1: no answer" in str(caught.value)
    assert "The former configuration is back." in str(caught.value)
    assert contents(bench.etc) == OLD
    assert bench.host.calls[-2:] == ["apply-conf", "systemctl restart -- x.service"]


def test_a_service_that_does_not_start_is_stopped_and_disabled_again(bench: Bench) -> None:
    bench.host.units["x.service"] = Unit("inactive", "disabled", starts=False)
    with pytest.raises(ServiceConfigError, match="the unit's log"):
        bench.run()
    assert contents(bench.etc) == OLD
    assert bench.host.units["x.service"].file == "disabled"


def test_a_service_that_dies_after_its_start_is_noticed(bench: Bench) -> None:
    bench.host.units["x.service"] = Unit("inactive", "disabled")
    bench.request = Request("bench", bench.request.wanted, services=(SERVICE,), health_timeout=0)
    real = bench.host.run

    def run(command: Sequence[str]) -> Result:
        result = real(command)
        if "start" in command:
            bench.host.units["x.service"].active = "failed"
        return result

    with pytest.raises(
        ServiceConfigError, match=r"x.service is failed\nthe unit's log\nThe former configuration is back"
    ):
        Transaction(bench.request, run, check_mode=False, state_folder=bench.state).execute()
    assert contents(bench.etc)["conf"] == "old\n"


def test_a_failing_apply_command_puts_everything_back(bench: Bench) -> None:
    bench.host.answers["apply-conf"] = [Result(3, stderr="bad idea"), Result(0)]
    with pytest.raises(
        ServiceConfigError, match=r"apply-conf ended with 3:\nbad idea\nThe former configuration is back"
    ):
        bench.run()
    assert contents(bench.etc) == OLD


def test_an_incomplete_rollback_keeps_the_journal(bench: Bench) -> None:
    bench.host.answers["apply-conf"] = Result(3)
    with pytest.raises(ServiceConfigError, match="was not complete"):
        bench.run()
    assert bench.journal.exists()


@pytest.mark.parametrize(
    ("unit", "note", "call"),
    [
        (Unit("inactive", "enabled"), "service x.service: inactive → active", "systemctl start -- x.service"),
        (Unit("failed", "enabled"), "service x.service: failed → active", "systemctl start -- x.service"),
        (Unit("active", "disabled"), "service x.service: disabled → enabled", "systemctl enable --quiet -- x.service"),
    ],
)
def test_drift_of_a_service_is_named_and_fixed_alone(bench: Bench, unit: Unit, note: str, call: str) -> None:
    bench.run()
    bench.host.units["x.service"] = unit
    assert bench.run(check_mode=True).notes == [note]
    bench.host.calls.clear()
    assert bench.run().notes == [note]
    assert [line for line in bench.host.calls if line != "ask"] == [call]
    assert not bench.run().changed


def test_an_edited_file_is_fixed_alone(bench: Bench) -> None:
    bench.run()
    (bench.etc / "fresh").write_text("edited\n")
    (bench.etc / "fresh").chmod(0o600)
    bench.host.calls.clear()
    outcome = bench.run()
    assert [change.path for change in outcome.changes] == [str(bench.etc / "fresh")]
    assert bench.host.calls == ["ask", "systemctl reload-or-restart -- x.service", "ask"]


def test_an_ill_service_is_repaired(bench: Bench) -> None:
    bench.run()
    bench.host.answers["ask"] = [Result(1, stderr="route is missing"), Result(1), Result(0)]
    assert "repair: ask ended with 1: route is missing" in bench.run(check_mode=True).notes
    bench.host.calls.clear()
    bench.run()
    assert bench.host.calls == ["ask", "apply-conf", "apply-other", "systemctl restart -- x.service", "ask"]


def test_a_repair_that_does_not_help_is_an_error(bench: Bench) -> None:
    bench.run()
    bench.host.answers["ask"] = Result(1)
    with pytest.raises(ServiceConfigError, match="nothing to put back"):
        bench.run()
    assert contents(bench.etc) == NEW
    assert not bench.journal.exists()


def test_a_journal_that_cannot_be_understood_stops_the_run(bench: Bench) -> None:
    bench.journal.parent.mkdir(parents=True)
    bench.journal.write_text("{")
    with pytest.raises(ServiceConfigError, match="put its files back by hand"):
        bench.run()


def test_journal_is_private(bench: Bench) -> None:
    with pytest.raises(Killed):
        bench.run(die_at="write 1")
    assert bench.journal.stat().st_mode & 0o777 == 0o600
    assert bench.journal.parent.stat().st_mode & 0o777 == 0o700


def test_what_a_killed_run_was_writing_is_removed_by_the_next(bench: Bench) -> None:
    with pytest.raises(Killed):
        bench.run(die_at="write 3")
    (bench.etc / ".fresh.nixvegas-new").write_text("half")
    (bench.journal.parent / ".journal.json.nixvegas-new").write_text("half")
    bench.host.answers["ask"] = Result(1)
    with pytest.raises(ServiceConfigError, match="The former configuration is back"):
        bench.run()
    assert contents(bench.etc) == OLD
    assert [path.name for path in bench.journal.parent.iterdir()] == ["lock"]


def test_numbers_of_users_and_groups_are_compared_with_names(bench: Bench) -> None:
    entry = replace(text_file("new\n"), owner=str(os.geteuid()), group=str(os.getegid()))
    bench.request = Request("bench", (Wanted(str(bench.etc / "conf"), entry),))
    assert bench.run().changed
    assert not bench.run().changed


def test_absent_files_go(bench: Bench) -> None:
    bench.request = Request("bench", (Wanted(str(bench.etc / "conf"), ABSENT),), services=(), health_timeout=0)
    bench.run()
    assert not (bench.etc / "conf").exists()


def test_an_unknown_owner_is_an_error_that_names_the_file(bench: Bench) -> None:
    entry = text_file("x")
    entry = type(entry)(entry.kind, entry.content, "", "nobody-of-this-name", entry.group, entry.mode)
    bench.request = Request("bench", (Wanted(str(bench.etc / "conf"), entry),))
    with pytest.raises(ServiceConfigError, match="etc/conf: there is no user 'nobody-of-this-name'"):
        bench.run()
    assert contents(bench.etc) == OLD
