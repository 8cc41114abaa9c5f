"""The process of one slot: flashes what is plugged in, again and again."""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path

from ansible_collections.nixvegas.noc.plugins.module_utils.badge.build import firmware_from_build
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.errors import BadgeError
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.flasher import flash


def serve(jobs: Connection, port: str, build: Path, patience: float) -> None:
    """For each image of settings that comes, flash the badge and send back its Outcome or the class and words of the
    error; None ends it."""
    firmware = firmware_from_build(build)
    while (image := jobs.recv()) is not None:
        try:
            jobs.send(flash(port, firmware, image, patience=patience))
        except BadgeError as error:
            jobs.send((type(error).__name__, str(error)))
