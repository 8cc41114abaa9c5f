"""The flasher against a simulated chip that others wrote: the PyPI package esp32-mock-bootloader.

Its stub cannot read flash back, so no settings are written to it.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.errors import WrongChipError
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.flasher import flash
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.image import Firmware

START_SECONDS = 20


@pytest.fixture
def port(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The port of a chip of the kind that the test is parametrized with."""
    file = tmp_path / "port"
    program = Path(sys.executable).parent / "esp32-mock-bootloader"
    command = [program, "run", "--pty", "--port-file", file, "--chip", request.param]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + START_SECONDS
            while not (file.exists() and file.read_text().strip()):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield file.read_text().strip()
        finally:
            process.terminate()


@pytest.mark.parametrize("port", ["esp32c6"], indirect=True)
def test_firmware_is_written_once(port: str, firmware: Firmware) -> None:
    first = flash(port, firmware, None)
    second = flash(port, firmware, None)
    assert first.written == ("app", "partition-table", "bootloader")
    assert (second.written, second.kept) == ((), first.written)
    assert (first.reconnects, second.reconnects) == (0, 0)


@pytest.mark.parametrize("port", ["esp32s3", "esp32"], indirect=True)
def test_another_chip_is_refused(port: str, firmware: Firmware) -> None:
    with pytest.raises(WrongChipError):
        flash(port, firmware, None)
