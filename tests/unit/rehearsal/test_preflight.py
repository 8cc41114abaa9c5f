"""What is said of a machine that lacks something."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.rehearsal import preflight
from ansible_collections.nixvegas.noc.rehearsal.command import RehearsalError


def test_all_that_is_missing_is_named_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda program: None if program in {"podman", "ip"} else f"/usr/bin/{program}")
    monkeypatch.setattr(preflight, "KEYRING", tmp_path / "keyring")
    monkeypatch.setattr(preflight, "TUN", tmp_path / "tun")
    monkeypatch.setattr(preflight, "DISK_FOR_CHANGES", 1 << 60)
    monkeypatch.setattr(preflight, "MEMORY_PER_CONTAINER", 1 << 60)
    monkeypatch.setattr(preflight, "count_watches", lambda: 1 << 30)
    with pytest.raises(RehearsalError) as error:
        preflight.check_machine(tmp_path / "cache", 10)
    text = str(error.value)
    assert "apt-get install debian-archive-keyring iproute2 podman" in text
    assert "modprobe tun" in text
    assert "disk: " in text
    assert "memory: " in text
    assert "inotify instances: 1073741824 of " in text


def test_root_is_asked_for_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(RehearsalError, match="not root"):
        preflight.check_machine(tmp_path / "cache", 10)
    assert not (tmp_path / "cache").exists()


def test_inotify() -> None:
    assert preflight.missing_watches(limit=128, used=10, containers=10) == []
    assert preflight.missing_watches(limit=128, used=100, containers=10) == [
        "inotify instances: 100 of 128 are in use, 10 containers need 80; "
        "try `sysctl fs.inotify.max_user_instances=512`"
    ]
