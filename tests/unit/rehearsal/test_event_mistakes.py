"""A rehearsal of a wrong event ends with the compiler's list of mistakes, before anything is made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.rehearsal import cli
from ansible_collections.nixvegas.noc.rehearsal.command import RehearsalError
from ansible_collections.nixvegas.noc.rehearsal.event import find_event_file

CHECKOUT = Path(__file__).resolve().parents[3]
EVENT = (CHECKOUT / "inventories/dc33/event.yml").read_text(encoding="utf-8")


def rehearse(cache: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What the command line says, with a cache of its own."""
    return subprocess.run(
        [sys.executable, "-m", "rehearsal", *words],
        cwd=CHECKOUT,
        env=os.environ | {"NIXVEGAS_NOC_CACHE": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", ["up", "site", "verify", "summary"])
def test_all_mistakes_and_nothing_else(tmp_path: Path, command: str) -> None:
    file = tmp_path / "my event" / "event.yml"
    file.parent.mkdir()
    file.write_text(EVENT.replace("class: router", "class: ruter").replace("port: 5000", "port: 053"), encoding="utf-8")
    result = rehearse(tmp_path / "cache", command, str(file.parent))
    assert (result.returncode, result.stdout) == (1, "")
    port, router, count = result.stderr.splitlines()
    assert port.startswith(f'{file}:19: overlay.port: "053" is not a port; write a whole number from 1 to 65535')
    assert router.startswith(f'{file}:36: hosts.ghostgate.class: "ruter" is not a host class; did you mean "router"?')
    assert count == f"2 mistakes in {file}"
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("content", "mistake"),
    [(b"", "is empty"), (b"a:\n\thosts: {}", "has a tab"), (b"[]", "is a list"), (b"\xff", "is not UTF-8")],
)
def test_no_event(tmp_path: Path, content: bytes, mistake: str) -> None:
    file = tmp_path / "event.yml"
    file.write_bytes(content)
    result = rehearse(tmp_path / "cache", "up", str(tmp_path))
    assert (result.returncode, result.stdout) == (1, "")
    assert mistake in result.stderr.splitlines()[0]
    assert result.stderr.splitlines()[1:] == [f"1 mistake in {file}"]


def test_odd_paths(tmp_path: Path) -> None:
    """Nothing of what the rehearsal makes has a blank in its path; the event's own may."""
    folder = tmp_path / "my event"
    folder.mkdir()
    (folder / "event.yaml").write_text(EVENT, encoding="utf-8")
    assert find_event_file(folder) == folder / "event.yaml"
    assert cli.state_of(folder).name.startswith("my-event-")
    assert cli.state_of(folder) != cli.state_of(tmp_path / "my-event")
    names = {cli.state_of(cli.CHECKOUT / "inventories" / name).name for name in ("my event", "my-event", "my  event")}
    assert len(names) == 3
    with pytest.raises(RehearsalError, match="b: Ansible ends a path at its comma; name the folder of the event with"):
        find_event_file(tmp_path / "a,b")
