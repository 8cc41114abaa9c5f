"""What the table does next: settings, swaps, failures, replugging, two slots and one badge, ending, check mode."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.result import Phase, Progress
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.table.actions import (
    Action,
    Failure,
    Job,
    Success,
    Write,
)
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.table.assignment import (
    NoSettingsError,
    Row,
    assign,
)
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.table.record import History, Result
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.table.slot import Presence, Slot, State
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.table.table import Prepared, Table

A, B, C = (f"60:55:f9:00:00:0{number}" for number in (1, 2, 3))
ZOE, ADA = Row("zoe"), Row("ada")


def table(rows: Sequence[Row] = (ZOE, ADA), check: bool = False, slots: str = "12") -> Table:
    prepared = {row.id: Prepared(row.id.encode(), f"lights {row.id}", "lights") for row in (*rows, Row(""))}
    default = None if rows else Row("")
    return Table([Slot(name) for name in slots], "fw 1", rows, default, prepared, History(), lambda: "now", check)


def here(mac: str, token: str = "t") -> Presence:
    return Presence("/dev/x", token, mac)


def jobs(actions: Sequence[Action]) -> list[Job]:
    return [action for action in actions if isinstance(action, Job)]


def results(actions: Sequence[Action]) -> list[tuple[Result, str]]:
    return [(action.record.result, action.record.row) for action in actions if isinstance(action, Write)]


def passed(mac: str) -> Success:
    return Success(mac, ("app", "nvs"), 10, 1.0)


def flashed(badges: Table, slot: str, mac: str, now: float = 0.0, token: str = "t") -> list[Action]:
    """A badge plugged in and flashed."""
    badges.see({slot: here(mac, token)}, now)
    return badges.answer(slot, passed(mac), here(mac, token), now)


@pytest.mark.parametrize(
    ("mac", "rows", "taken", "expected"),
    [
        (A, (ZOE, ADA), {}, "zoe"),
        (A, (ZOE, ADA), {B: "zoe"}, "ada"),
        (A, (ZOE, ADA), {A: "ada"}, "ada"),
        (A, (ZOE, Row("mine", A)), {A: "zoe"}, "mine"),
        (A, (ZOE,), {A: "gone"}, "zoe"),
        (A, (Row("other", B),), {}, ""),
    ],
)
def test_assignment(mac: str, rows: Sequence[Row], taken: dict[str, str], expected: str) -> None:
    assert assign(mac, rows, Row(""), taken).id == expected


def test_a_badge_too_many_gets_nothing_though_there_is_a_default() -> None:
    with pytest.raises(NoSettingsError, match="all 1 settings in order are given away"):
        assign(A, (ZOE,), Row(""), {B: "zoe"})
    with pytest.raises(NoSettingsError, match=f"{A} is not in the settings table"):
        assign(A, (Row("other", B),), None, {})


def test_the_ledger_has_the_assignment_before_the_badge_is_touched() -> None:
    actions = table().see({"1": here(A)}, 0)
    assert [type(action).__name__ for action in actions] == ["Say", "Write", "Job"]
    assert results(actions) == [(Result.ASSIGNED, "zoe")]
    assert jobs(actions) == [Job("1", "/dev/x", A, b"zoe")]


def test_a_badge_that_does_not_tell_its_mac_is_looked_at_first() -> None:
    badges = table()
    (look,) = jobs(badges.see({"1": here("")}, 0))
    assert look.looks_only
    (job,) = jobs(badges.answer("1", Success(A, (), 0, 0.1), here(""), 0))
    assert (job.mac, job.nvs) == (A, b"zoe")


def test_progress_and_pass() -> None:
    badges = table()
    badges.see({"1": here(A)}, 0)
    badges.answer("1", Progress("/dev/x", Phase.WRITE, "app", 42, 100, A), here(A), 1)
    assert (badges.slots[0].percent, badges.slots[0].detail) == (42, "write app")
    assert results(badges.answer("1", passed(A), here(A), 2)) == [(Result.PASSED, "zoe")]
    assert (badges.slots[0].state, badges.left, badges.history.passed) == (State.PASSED, 1, 1)


def test_a_swapped_badge_is_begun_with_and_one_that_restarts_is_not() -> None:
    badges = table()
    flashed(badges, "1", A)
    assert badges.see({"1": here(A, "renumerated")}, 0.1) == []
    assert badges.see({}, 0.2) == []
    assert badges.see({"1": here(A, "again")}, 0.9) == []
    assert jobs(badges.see({"1": here(B, "new")}, 1.0))[0].nvs == b"ada"


def test_a_badge_swapped_before_its_answer_is_heard_is_begun_with() -> None:
    badges = table()
    badges.see({"1": here("", "first")}, 0)
    badges.answer("1", Success(A, (), 0, 0.1), here("", "first"), 1)
    badges.answer("1", passed(A), here("", "second"), 2)
    assert jobs(badges.see({"1": here("", "second")}, 2.1))[0].looks_only


def test_an_emptied_slot_is_free_and_a_done_badge_is_skipped() -> None:
    badges = table()
    flashed(badges, "1", A)
    badges.see({}, 1)
    badges.see({}, 3)
    assert badges.slots[0].state is State.EMPTY
    assert jobs(badges.see({"2": here(A)}, 4)) == []
    assert badges.slots[1].state is State.DONE
    assert (badges.count(State.PASSED), badges.count(State.DONE)) == (1, 0)


def test_a_failed_badge_keeps_its_settings_and_is_tried_again_when_replugged() -> None:
    badges = table()
    badges.see({"1": here(A)}, 0)
    assert results(badges.answer("1", Failure("broken", "swap"), here(A), 1)) == [(Result.FAILED, "zoe")]
    assert badges.see({"1": here(A)}, 2) == []
    badges.see({}, 3)
    (job,) = jobs(badges.see({"1": here(A, "again")}, 3.8))
    assert job.nvs == b"zoe"
    badges.answer("1", passed(A), here(A, "again"), 5)
    assert (badges.failed, badges.count(State.PASSED)) == (0, 1)


def test_a_failed_badge_that_drops_out_by_itself_is_not_tried_for_ever() -> None:
    badges = table()
    badges.see({"1": here(A)}, 0)
    badges.answer("1", Failure("broken", "swap"), None, 1)
    badges.see({}, 1.1)
    assert badges.see({"1": here(A, "again")}, 1.3) == []


def test_a_rejected_badge_gives_its_settings_to_the_next() -> None:
    badges = table()
    badges.see({"1": here(A)}, 0)
    badges.answer("1", Failure("locked", "put aside", rejected=True), here(A), 1)
    assert jobs(badges.see({"2": here(B)}, 2))[0].nvs == b"zoe"


def test_a_failure_in_one_slot_leaves_the_others() -> None:
    badges = table()
    badges.see({"1": here(A), "2": here(B)}, 0)
    badges.answer("1", Failure("broken", "swap"), here(A), 1)
    assert badges.slots[1].state is State.FLASHING
    badges.answer("2", passed(B), here(B), 2)
    assert (badges.failed, badges.count(State.PASSED)) == (1, 1)


def test_a_badge_moved_to_another_slot_waits_until_the_first_gives_up() -> None:
    badges = table()
    badges.see({"1": here(A)}, 0)
    assert jobs(badges.see({"2": here(A)}, 1)) == []
    assert badges.slots[1].state is State.WAITING
    assert badges.is_busy
    badges.answer("1", Failure("went away", "swap"), None, 2)
    assert jobs(badges.see({"2": here(A)}, 3))[0].nvs == b"zoe"


def test_no_settings_left_is_a_failure_of_that_badge() -> None:
    badges = table(rows=(ZOE,))
    badges.see({"1": here(A), "2": here(B)}, 0)
    assert badges.slots[1].state is State.FAILED
    assert "given away" in badges.slots[1].detail


def test_while_ending_no_badge_is_begun_with() -> None:
    badges = table()
    badges.see({"1": here(A), "2": here("")}, 0)
    badges.ending = True
    assert jobs(badges.answer("2", Success(B, (), 0, 0.1), here(""), 1)) == []
    assert badges.is_busy
    badges.answer("1", passed(A), here(A), 2)
    assert jobs(badges.see({"1": here(C, "new"), "2": here(B)}, 3)) == []
    assert not badges.is_busy


def test_check_mode_gives_each_badge_other_settings_and_says_what_differs() -> None:
    badges = table(check=True)
    assert [job.check for job in jobs(badges.see({"1": here(A), "2": here(B)}, 0))] == [True, True]
    badges.answer("1", Success(A, ("nvs",), 0, 0.1, ("boot_mesh: 1 -> 0",)), here(A), 1)
    badges.answer("2", Success(B, (), 0, 0.1), here(B), 1)
    assert [ending.text for ending in badges.endings.values()] == [
        f"slot 1: {A} zoe (lights): would write nvs (boot_mesh: 1 -> 0)",
        f"slot 2: {B} ada (lights): nothing differs",
    ]


def test_a_badge_in_a_slot_that_was_not_named_gets_one() -> None:
    badges = table()
    assert jobs(badges.see({"1-1.4": here(A)}, 0))[0].slot == "1-1.4"
