"""Where rehearsals keep their files, their lock, their times, and what stands for them on the command line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.rehearsal import cli, holder
from ansible_collections.nixvegas.noc.rehearsal.command import RehearsalError, explain, run
from ansible_collections.nixvegas.noc.rehearsal.containers import File, write_file
from ansible_collections.nixvegas.noc.rehearsal.event import find_event_file
from ansible_collections.nixvegas.noc.rehearsal.lab import parse_host
from ansible_collections.nixvegas.noc.rehearsal.layers import make_layer, stack
from ansible_collections.nixvegas.noc.rehearsal.lock import locked
from ansible_collections.nixvegas.noc.rehearsal.namespaces import find_holder
from ansible_collections.nixvegas.noc.rehearsal.paths import State
from ansible_collections.nixvegas.noc.rehearsal.steps import Steps


@pytest.fixture
def state(tmp_path: Path) -> State:
    """A rehearsal that does not stand."""
    return State(tmp_path, "dc33")


def test_inventories_of_the_checkout_have_short_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NIXVEGAS_NOC_CACHE", str(tmp_path))
    assert cli.state_of(cli.CHECKOUT / "inventories" / "dc33").name == "dc33"
    assert cli.state_of(cli.CHECKOUT / "inventories" / "dc33" / "event.yml").name == "dc33"
    assert cli.state_of(tmp_path / "dc33").name.startswith("dc33-")
    assert cli.state_of(tmp_path / "dc33").folder.parent == tmp_path / "events"


def test_two_commands_do_not_change_one_rehearsal(state: State) -> None:
    busy = f"process {os.getpid()} is changing the rehearsal 'dc33'"
    with locked(state), pytest.raises(RehearsalError, match=busy), locked(state):
        pass
    with locked(state):
        pass


def test_times_last_until_the_rehearsal_is_gone(state: State) -> None:
    with Steps(state.times).step("Boot"):
        pass
    later = Steps(state.times)
    with later.step("Prove"):
        pass
    assert list(later.seconds) == ["Boot", "Prove"]
    state.times.unlink()
    assert list(later.seconds) == ["Prove"]


@pytest.mark.parametrize("text", ["", "{", '{"pid": 1, "start_time": "0", "boot_id": "another boot"}'])
def test_a_record_of_a_dead_holder_is_no_holder(state: State, text: str) -> None:
    state.folder.mkdir(parents=True)
    state.holder.write_text(text)
    assert find_holder(state) is None


def test_processes_are_known_by_their_start() -> None:
    assert (holder.start_time(os.getpid()) or "").isdigit()
    assert holder.start_time(2**22 + 1) is None


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("router", ("router", {})),
        ("router=eth0", ("router", {"eth0": "eth0"})),
        ("router=eth0,eth1:lan", ("router", {"eth0": "eth0", "eth1": "lan"})),
    ],
)
def test_lab_hosts(text: str, parsed: tuple[str, dict[str, str]]) -> None:
    assert parse_host(text) == parsed


@pytest.mark.parametrize("text", ["", "=eth0", "router=:lan"])
def test_wrong_lab_hosts(text: str) -> None:
    with pytest.raises(RehearsalError, match="a container is HOST or HOST=PORT,PORT:NETWORK"):
        parse_host(text)


def test_half_made_layers_are_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "layer"

    def fail(partial: Path) -> None:
        (partial / "half").touch()
        raise RehearsalError("interrupted")

    with pytest.raises(RehearsalError):
        make_layer(folder, fail)
    make_layer(folder, lambda partial: (partial / "whole").touch())
    make_layer(folder, fail)
    assert [file.name for file in folder.iterdir()] == ["whole"]


def test_layers_with_odd_paths_are_refused() -> None:
    assert stack([Path("/b"), Path("/a")]) == "/b:/a"
    with pytest.raises(RehearsalError, match="/a:b: a folder with one of"):
        stack([Path("/a:b")])


def test_links_of_a_container_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "resolv.conf"
    outside.write_text("the machine's")
    target = tmp_path / "root" / "etc" / "resolv.conf"
    target.parent.mkdir(parents=True)
    target.symlink_to(outside)
    write_file(target, File("the container's", 0o600))
    assert (outside.read_text(), target.read_text(), target.stat().st_mode & 0o777) == (
        "the machine's",
        "the container's",
        0o600,
    )


def test_failures_are_explained() -> None:
    assert (
        explain(["ip", "link add"], 2, "a\nb\n", "Do this.")
        == "exit code 2 from: ip 'link add'\n    a\n    b\nDo this."
    )
    with pytest.raises(RehearsalError, match="no-such-program: this program is not installed"):
        run(["no-such-program"])


def test_a_folder_without_event_file(tmp_path: Path) -> None:
    with pytest.raises(RehearsalError, match="no event file here"):
        find_event_file(tmp_path)
