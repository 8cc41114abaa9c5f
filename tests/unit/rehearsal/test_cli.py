"""What the command line says to a person, without anything standing."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.rehearsal import cli
from ansible_collections.nixvegas.noc.rehearsal.lock import locked
from ansible_collections.nixvegas.noc.rehearsal.paths import CHECKOUT

DC33 = CHECKOUT / "inventories" / "dc33"


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache."""
    monkeypatch.setenv("NIXVEGAS_NOC_CACHE", str(tmp_path))
    return tmp_path


@dataclass(frozen=True)
class Standing:
    """Containers whose podman is a shell that ends with some exit code."""

    exit_code: int
    podman: list[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "podman", ["sh", "-c", f"exit {self.exit_code}", "podman"])


@pytest.mark.parametrize(
    ("host", "text"),
    [("", "no container is named: give HOST=; there are ghostgate, "), ("lap", "lap: no such container; there are ")],
)
def test_reboot_wants_a_host(capsys: pytest.CaptureFixture[str], host: str, text: str) -> None:
    assert cli.main(["reboot", str(DC33), host]) == 1
    complaint = capsys.readouterr().err
    assert text in complaint
    assert "laptop-build, crew" in complaint


@pytest.mark.parametrize(("exit_code", "status"), [(0, 0), (1, 0), (127, 0), (cli.PODMAN_FAILED, 1)])
def test_a_shell_ends_quietly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], exit_code: int, status: int
) -> None:
    monkeypatch.setattr(cli.boot, "standing", lambda _state: Standing(exit_code))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    assert cli.main(["shell", str(DC33), ""]) == status
    assert capsys.readouterr().err == ("rehearsal: no shell could be opened on laptop; see above\n" if status else "")


@pytest.mark.parametrize("command", ["up", "site", "verify"])
def test_one_command_at_a_time(capsys: pytest.CaptureFixture[str], command: str) -> None:
    with locked(cli.state_of(DC33)):
        assert cli.main([command, str(DC33)]) == 1
    assert "is changing the rehearsal 'dc33' just now" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["site", "verify", "summary"])
def test_nothing_stands(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert cli.main([command, str(DC33)]) == 1
    assert "the rehearsal 'dc33' is not standing; put it up first" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("folder", "typed", "selector"),
    [
        (CHECKOUT, "inventories/dc33", ""),
        (CHECKOUT, str(DC33), ""),
        (CHECKOUT, "inventories/mine", " EVENT=inventories/mine"),
        (CHECKOUT, "our camp", " EVENT='our camp'"),
        (Path("/srv"), "mine", " EVENT=/srv/mine"),
    ],
)
def test_the_summary_says_what_was_typed(
    monkeypatch: pytest.MonkeyPatch, folder: Path, typed: str, selector: str
) -> None:
    monkeypatch.setattr(Path, "cwd", lambda: folder)
    monkeypatch.setattr(Path, "absolute", lambda path: folder / path)
    assert cli.selector(argparse.Namespace(event=Path(typed))) == selector
