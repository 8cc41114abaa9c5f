"""Build logs as Nix keeps them."""

from __future__ import annotations

import bz2
import os
from pathlib import Path

import pytest
from nar_server.logs import find_log, read_log
from nar_server.store_path import StorePath

DERIVATION = StorePath("0" * 32, "x.drv")
TEXT = b"a line of a log\n" * 100_000


@pytest.mark.parametrize("place", [f"00/{'0' * 30}-x.drv", f"{'0' * 32}-x.drv"])
@pytest.mark.parametrize("packed", [False, True])
def test_found_and_read(tmp_path: Path, place: str, packed: bool) -> None:
    file = tmp_path / "drvs" / (f"{place}.bz2" if packed else place)
    file.parent.mkdir(parents=True)
    file.write_bytes(bz2.compress(TEXT) if packed else TEXT)
    found = find_log(os.fsencode(tmp_path), DERIVATION)
    assert found == os.fsencode(file)
    assert b"".join(read_log(found)) == TEXT


def test_absent_or_no_file(tmp_path: Path) -> None:
    assert find_log(os.fsencode(tmp_path), DERIVATION) is None
    (tmp_path / "drvs" / "00").mkdir(parents=True)
    (tmp_path / "drvs" / "00" / f"{'0' * 30}-x.drv").symlink_to("/etc/passwd")
    assert find_log(os.fsencode(tmp_path), DERIVATION) is None


def test_a_damaged_one_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "x.bz2"
    file.write_bytes(bz2.compress(TEXT)[:-20])
    with pytest.raises((EOFError, OSError)):
        b"".join(read_log(os.fsencode(file)))
