# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox: seen inside, gone outside. Needs root and overlayfs."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.commands import run
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.model import (
    ABSENT,
    Entry,
    Kind,
    ServiceConfigError,
)
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.plan import Change
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.sandbox import overlay_points, run_checks

from .helpers import text_file

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mount namespaces need root")


@pytest.mark.parametrize(
    ("paths", "mounts", "points"),
    [
        (["/etc", "/etc/knot"], ["/"], ["/etc"]),
        (["/etc/knot", "/etc/kea"], ["/"], ["/etc/kea", "/etc/knot"]),
        (["/etc", "/etcetera"], ["/"], ["/etc", "/etcetera"]),
        (["/var", "/var/lib/x"], ["/", "/var/lib"], ["/var", "/var/lib/x"]),
        (["/var", "/var/lib/x", "/var/lib/x/y"], ["/", "/var/lib"], ["/var", "/var/lib/x"]),
        (["/var", "/var/cache"], ["/", "/var/lib"], ["/var"]),
    ],
)
def test_no_write_gets_through(paths: list[str], mounts: list[str], points: list[str]) -> None:
    assert overlay_points(paths, mounts) == points


@pytest.fixture
def top() -> Iterator[Path]:
    """A folder below /run, where sockets are."""
    with tempfile.TemporaryDirectory(dir="/run" if os.geteuid() == 0 else None) as name:
        yield Path(name)


@needs_root
def test_checks_see_the_new_files_and_nobody_else_does(top: Path) -> None:
    (top / "old").write_text("old")
    changes = [
        Change(f"{top}/sub", ABSENT, Entry(Kind.DIRECTORY, owner="root", group="root", mode=0o755)),
        Change(f"{top}/sub/new", ABSENT, text_file("new")),
        Change(f"{top}/old", text_file("old"), ABSENT),
    ]
    checks = [["cat", f"{top}/sub/new"], ["test", "-e", f"{top}/old"], ["no-such-program"]]
    report = run_checks(changes, checks, run, tolerant=False)
    assert [(result.returncode, result.stdout, result.missing) for result in report.results] == [
        (0, "new", False),
        (1, "", False),
        (127, "", True),
    ]
    assert [path.name for path in top.iterdir()] == ["old"]
    assert not list(Path("/run").glob("service_config-*"))


@needs_root
def test_sockets_and_mounts_stay_reachable(top: Path) -> None:
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"{top}/socket")
    server.listen()
    connect = f"import socket; socket.socket(socket.AF_UNIX).connect('{top}/socket')"
    changes = [Change(f"{top}/new", ABSENT, text_file("new"))]
    report = run_checks(changes, [["python3", "-c", connect]], run, tolerant=False)
    server.close()
    assert report.results[0].returncode == 0, report.results[0].stderr


@needs_root
def test_a_link_to_another_folder_does_not_lead_out(top: Path) -> None:
    (top / "real").mkdir()
    (top / "link").symlink_to("real")
    changes = [Change(f"{top}/link/new", ABSENT, text_file("new"))]
    report = run_checks(changes, [["cat", f"{top}/real/new"]], run, tolerant=False)
    assert report.results[0].stdout == "new"
    assert not list((top / "real").iterdir())


@needs_root
def test_missing_accounts_are_tolerated_only_when_asked(top: Path) -> None:
    entry = Entry(Kind.FILE, b"x", owner="no-such-user", group="root", mode=0o600)
    changes = [Change(f"{top}/x", ABSENT, entry)]
    report = run_checks(changes, [["cat", f"{top}/x"]], run, tolerant=True)
    assert report.results[0].stdout == "x"
    assert "there is no user 'no-such-user'" in report.warnings[0]
    with pytest.raises(ServiceConfigError, match="no-such-user"):
        run_checks(changes, [], run, tolerant=False)
