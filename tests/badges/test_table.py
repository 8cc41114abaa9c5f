"""200 badges through 8 slots, one process a slot, 5 of 100 with a fault: every badge ends right or is reported."""

from __future__ import annotations

import multiprocessing
import queue
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.image import Firmware
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.result import Outcome
from ansible_collections.nixvegas.noc.tests.badge_simulator import (
    Badge,
    Fault,
    Kind,
    Slot,
    Trouble,
    draw,
    mac_of,
    slots,
)
from ansible_collections.nixvegas.noc.tests.badges.conftest import holds, settings
from ansible_collections.nixvegas.noc.tests.badges.worker import serve

SLOTS, BADGES, FAULTY = 8, 200, 0.05
SEED = 98
PATIENCE = 1.0
ERRORS = {
    Kind.STUCK: "FaultyFlashError",
    Kind.UNPLUG: "LostBadgeError",
}


@dataclass(frozen=True)
class Flashed:
    """A badge after its turn, and what was told of it."""

    badge: Badge
    settings: bytes
    answer: Outcome | tuple[str, str]


def work(slot: Slot, build: Path, waiting: queue.SimpleQueue[tuple[Badge, bytes]]) -> list[Flashed]:
    """Plug the waiting badges into a slot one after another, as a volunteer does."""
    done = []
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there, slot.port, build, PATIENCE), daemon=True)
    process.start()
    there.close()
    while True:
        try:
            badge, image = waiting.get_nowait()
        except queue.Empty:
            break
        slot.plug(badge)
        here.send(image)
        done.append(Flashed(badge, image, here.recv()))
        slot.pull()
    here.send(None)
    process.join()
    return done


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory, build: Path) -> list[Flashed]:
    """All badges after their turns."""
    waiting: queue.SimpleQueue[tuple[Badge, bytes]] = queue.SimpleQueue()
    for number in range(BADGES):
        waiting.put((Badge(mac_of(number), trouble=draw(SEED, number, FAULTY)), settings(f"badge {number}")))
    with slots(tmp_path_factory.mktemp("slots"), SLOTS) as places, ThreadPoolExecutor(SLOTS) as volunteers:
        rows = volunteers.map(lambda slot: work(slot, build, waiting), places)
        return [flashed for row in rows for flashed in row]


def expected_error(trouble: Trouble) -> str:
    """The error that a badge with this trouble must end in, empty if it can be made right."""
    if trouble.chip_id is not None:
        return "WrongChipError"
    if trouble.secure_boot:
        return "SecuredError"
    for fault in trouble.faults:
        if fault.kind is not Kind.UNPLUG or fault.returns_after is None:
            return ERRORS.get(fault.kind, "")
    return ""


def test_every_badge_had_its_turn_once(table: list[Flashed]) -> None:
    assert sorted(flashed.badge.mac for flashed in table) == [mac_of(number) for number in range(BADGES)]


def test_what_is_called_right_is_right(table: list[Flashed], firmware: Firmware) -> None:
    for flashed in table:
        if isinstance(flashed.answer, Outcome):
            assert flashed.answer.mac == flashed.badge.mac
            assert holds(flashed.badge, firmware, flashed.settings), flashed.answer


def test_badges_that_can_be_made_right_are(table: list[Flashed]) -> None:
    failed = [
        (flashed.badge.mac, flashed.badge.trouble, flashed.answer)
        for flashed in table
        if not isinstance(flashed.answer, Outcome) and not expected_error(flashed.badge.trouble)
    ]
    assert not failed


def test_the_others_are_reported_for_what_is_wrong_with_them(table: list[Flashed]) -> None:
    for flashed in table:
        expected = expected_error(flashed.badge.trouble)
        if isinstance(flashed.answer, Outcome):
            # A fault that would have come later than all commands.
            assert not expected or all(fault.at > flashed.badge.commands for fault in flashed.badge.trouble.faults)
        else:
            assert flashed.answer[0] == expected, flashed.answer


def test_all_kinds_of_trouble_were_met(table: list[Flashed]) -> None:
    troubled = [flashed.badge.trouble for flashed in table if flashed.badge.trouble != Trouble()]
    kinds = Counter(fault.kind for trouble in troubled for fault in trouble.faults)
    assert len(troubled) >= FAULTY * BADGES
    assert set(kinds) == set(Kind)
    assert any(trouble.chip_id for trouble in troubled)
    assert any(trouble.secure_boot for trouble in troubled)
    assert any(fault == Fault(Kind.UNPLUG, fault.at, None) for trouble in troubled for fault in trouble.faults)
