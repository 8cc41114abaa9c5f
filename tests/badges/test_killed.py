"""The flashing process is killed (SIGKILL) in the middle: the next one finds out what is missing and ends right."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.flasher import flash
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.image import Firmware
from ansible_collections.nixvegas.noc.tests.badge_simulator import Badge, slots
from ansible_collections.nixvegas.noc.tests.badge_simulator.loader import Action
from ansible_collections.nixvegas.noc.tests.badges.conftest import holds, settings
from ansible_collections.nixvegas.noc.tests.badges.worker import serve

WAIT_SECONDS = 30


@pytest.mark.parametrize("commands", [1, 40, 88, 92, 96, 100])
def test_the_next_run_ends_right(tmp_path: Path, build: Path, firmware: Firmware, commands: int) -> None:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    with slots(tmp_path, 1) as (slot,):
        process = context.Process(target=serve, args=(there, slot.port, build, 1.0), daemon=True)

        class Deadly(Badge):
            """It kills who sends it so many commands."""

            def receive(self, packet: bytes) -> Iterator[Action]:
                assert process.pid
                if self.commands == commands and not process.exitcode:
                    os.kill(process.pid, signal.SIGKILL)
                return super().receive(packet)

        badge = Deadly()
        slot.plug(badge)
        process.start()
        here.send(settings("killed"))
        process.join(WAIT_SECONDS)
        assert process.exitcode == -signal.SIGKILL
        deadline = time.monotonic() + WAIT_SECONDS
        while slot.idle is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        outcome = flash(slot.port, firmware, settings("killed"))
        assert outcome.written
        assert outcome.reconnects == 0
        assert holds(badge, firmware, settings("killed"))
