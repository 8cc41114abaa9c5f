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


def make_root(root: Path, *folders: str, mounts: str = "") -> Path:
    """Make a root folder with some folders, a /dev/null if there is a /dev, and what is mounted below it."""
    for folder in folders:
        (root / folder).mkdir(parents=True)
    if "dev/shm" in folders:
        (root / "dev/null").symlink_to("/dev/null")
    if "proc/self" in folders:
        (root / "proc/self/mountinfo").write_text(mounts)
    return root


def test_a_plain_chroot(tmp_path: Path) -> None:
    proc, sys, dev = preflight.missing_mounts(make_root(tmp_path))
    assert proc.endswith("`mount -t proc proc /proc`")
    assert sys.endswith("`mount -t sysfs sysfs /sys`")
    assert dev.endswith("`mount --rbind /dev FOLDER/dev` outside")


ROOT_LINE = "22 1 254:0 /root / rw,relatime shared:1 - ext4 /dev/vda rw\n"
PROC_LINE = "23 22 0:21 / /proc rw - proc proc rw\n"


def test_a_chroot_with_everything_mounted_but_itself(tmp_path: Path) -> None:
    folders = ("proc/self", "sys/fs/cgroup", "dev/shm")
    (problem,) = preflight.missing_mounts(make_root(tmp_path / "chroot", *folders, mounts=PROC_LINE))
    assert "mount --bind FOLDER FOLDER" in problem
    assert preflight.missing_mounts(make_root(tmp_path / "whole", *folders, mounts=ROOT_LINE + PROC_LINE)) == []


def test_mounts_are_asked_for_before_all_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(preflight, "ROOT", tmp_path)
    with pytest.raises(RehearsalError, match=r"/proc: it is not mounted(?s:.*)Is this a chroot\?"):
        preflight.check_machine(tmp_path / "cache", 10)
    assert not (tmp_path / "cache").exists()
