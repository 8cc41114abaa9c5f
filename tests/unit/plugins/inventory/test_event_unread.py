"""Event files that Ansible's own plugins can make nothing of: one error, and no play that goes on over nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.plugins.plugin_utils.event import EventError
from ansible_collections.nixvegas.noc.plugins.plugin_utils.event_file import read_event

CHECKOUT = Path(__file__).resolve().parents[4]
EVENT = (CHECKOUT / "inventories/dc33/event.yml").read_text(encoding="utf-8")
EVENT_LINES = EVENT.count("\n")
WITHOUT_EVENT = {
    "hydra_export",  # it writes a part of one
    "badges",  # a table of badges needs none
    "station",
}
PLAYBOOKS = sorted({path.stem for path in (CHECKOUT / "playbooks").glob("*.yml")} - WITHOUT_EVENT)
Run = Callable[..., subprocess.CompletedProcess[str]]

UNREADABLE: dict[str, tuple[bytes, str]] = {
    "not YAML": (b"plugin: nixvegas.noc.event\nname: [dc33\n", "3: the file: is not YAML: did not find expected"),
    "not UTF-8": (b"plugin: nixvegas.noc.event\ntitle: \xff\n", "2: the file: is not UTF-8 from this line on; save it"),
    "empty": (b"", "1: the file: is empty; describe the event"),
    "a list": (b"- plugin: nixvegas.noc.event\n", "1: the file: is a list, not a mapping"),
    "a text": (b"nixvegas.noc.event\n", '1: the file: "nixvegas.noc.event" is a single value, not a mapping'),
    "two documents": (EVENT.encode() + b"---\n" + EVENT.encode(), f"{EVENT_LINES + 1}: the file: holds a second YAML"),
    "a tab": (EVENT.replace("\n  noc:", "\n\tnoc:", 1).encode(), "the file: has a tab; indent with spaces"),
    "invisible": (b"plugin: \x07\n", "1: the file: has an invisible character, U+0007; remove it"),
    "encrypted": (b"$ANSIBLE_VAULT;1.1;AES256\n3031\n", "1: the file: is encrypted; decrypt it"),
    "no plugin": (EVENT.replace("plugin: nixvegas.noc.event\n", "").encode(), 'the file: lacks the key "plugin"'),
    "another plugin": (EVENT.replace("noc.event", "noc.evnt").encode(), 'did you mean "nixvegas.noc.event"?'),
}

RUN = ("not YAML", "not UTF-8", "another plugin")  # an Ansible for each


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A function that runs a program of Ansible beside the inventory `mine`, with the settings of our ansible.cfg or
    with Ansible's own."""
    (tmp_path / "mine").mkdir()
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "NIXVEGAS_"))}
    environment |= {
        "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".cache/collections"),
        "HOME": str(tmp_path),
        "NO_COLOR": "1",
        "COLUMNS": "500",
    }

    def run(*command: str, configured: bool = False) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [Path(sys.executable).parent / command[0], *command[1:]],
            cwd=tmp_path,
            env=environment | ({"ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg")} if configured else {}),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


@pytest.mark.parametrize("kind", UNREADABLE)
def test_every_kind(tmp_path: Path, kind: str) -> None:
    content, error = UNREADABLE[kind]
    file = tmp_path / "event.yml"
    file.write_bytes(content)
    with pytest.raises(EventError) as caught:
        read_event(file)
    assert caught.value.summary == "1 mistake"
    assert error in str(caught.value)


@pytest.mark.parametrize("kind", RUN)
def test_one_error_where_our_plugin_is_enabled(run: Run, tmp_path: Path, kind: str) -> None:
    content, error = UNREADABLE[kind]
    (tmp_path / "mine/event.yml").write_bytes(content)
    result = run("ansible-inventory", "-i", "mine", "--list", configured=True)
    assert (result.returncode, result.stdout) == (1, "")
    first, summary = result.stderr.splitlines()
    assert first.startswith("mine/event.yml:")
    assert error in first
    assert summary == "1 mistake in mine/event.yml"


@pytest.mark.parametrize("kind", RUN)
def test_no_play_where_it_is_not(run: Run, tmp_path: Path, kind: str) -> None:
    """A user who has no ansible.cfg: Ansible's warnings come first, but the run fails, with our error last."""
    content, error = UNREADABLE[kind]
    (tmp_path / "mine/event.yml").write_bytes(content)
    result = run("ansible-playbook", "-i", "mine", str(CHECKOUT / "playbooks/site.yml"))
    assert result.returncode not in (0, 2)
    assert "PLAY" not in result.stdout
    assert "no event was read\nmine/event.yml:" in result.stderr
    assert error in result.stderr


@pytest.mark.parametrize("name", ["event.yml", "event.yaml"])
def test_a_link_to_nowhere(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "mine" / name).symlink_to("nowhere")
    expected = f"mine/{name}:1: the file: cannot be read: No such file or directory; make it a file that you may read\n"
    result = run("ansible-inventory", "-i", "mine", "--list", configured=True)
    assert (result.returncode, result.stderr) == (1, f"{expected}1 mistake in mine/{name}\n")
    assert expected in run("ansible-playbook", "-i", "mine", str(CHECKOUT / "playbooks/site.yml")).stderr


def test_two_event_files(run: Run, tmp_path: Path) -> None:
    for name in ("event.yml", "event.yaml"):
        (tmp_path / "mine" / name).write_text(EVENT, encoding="utf-8")
    result = run("ansible-inventory", "-i", "mine", "--list", configured=True)
    assert result.returncode == 1
    assert "mine/event.yaml:1: the file: stands beside event.yml; an inventory has one event;" in result.stderr


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_no_playbook_runs_without_inventory(run: Run, playbook: str) -> None:
    result = run("ansible-playbook", str(CHECKOUT / f"playbooks/{playbook}.yml"))
    assert result.returncode not in (0, 2)
    assert "PLAY" not in result.stdout
    assert "no event was read: there is no event.yml in /etc/ansible/hosts; name the folder of yours" in result.stderr


def test_a_folder_of_its_name(run: Run, tmp_path: Path) -> None:
    """Ansible looks into it for inventories; and `--limit` must not hide that there is nothing."""
    (tmp_path / "mine/event.yml").mkdir()
    result = run("ansible-playbook", "-i", "mine", "--limit", "router", str(CHECKOUT / "playbooks/site.yml"))
    assert result.returncode not in (0, 2)
    assert "no event was read\nmine/event.yml:1: the file: cannot be read: Is a directory" in result.stderr


def test_another_inventory(run: Run) -> None:
    result = run("ansible-playbook", "-i", "host,", "--limit", "host", str(CHECKOUT / "playbooks/router.yml"))
    assert result.returncode not in (0, 2)
    assert "no event was read: there is no event.yml in host,;" in result.stderr


def test_a_plugin_that_is_not_enabled(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine/event.yml").write_text(EVENT, encoding="utf-8")
    (tmp_path / "ansible.cfg").write_text("[inventory]\nenable_plugins = ini\n", encoding="utf-8")
    result = run("ansible-playbook", "-i", "mine", str(CHECKOUT / "playbooks/site.yml"))
    assert result.returncode not in (0, 2)
    assert f"Ansible was not told to read {tmp_path}/mine/event.yml; let enable_plugins" in result.stderr


@pytest.mark.parametrize("option", ["--syntax-check", "--list-tasks"])
def test_what_touches_nothing_needs_no_event(run: Run, option: str) -> None:
    assert run("ansible-playbook", option, str(CHECKOUT / "playbooks/site.yml")).returncode == 0


def test_an_event_that_was_read(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine/event.yml").write_text(EVENT, encoding="utf-8")
    result = run("ansible-playbook", "-i", "mine", "--tags", "none", str(CHECKOUT / "playbooks/site.yml"))
    assert (result.returncode, result.stderr) == (0, "")
