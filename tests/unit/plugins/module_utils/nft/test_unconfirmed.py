# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change that undoes itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.nft.host import NftError
from ansible_collections.nixvegas.noc.plugins.module_utils.nft.unconfirmed import Unconfirmed

from .fake_host import FakeHost

UNDO = "table inet small\ndelete table inet small\n"


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    """A host with a folder for its unconfirmed changes."""
    return FakeHost(tmp_path)


def change(host: FakeHost, name: str = "trial", run: str = "1") -> Unconfirmed:
    """The change of a run."""
    return Unconfirmed(host.run, name, run, folder=host.folder / "changes")


def test_armed(host: FakeHost) -> None:
    """The timer runs what brings the former tables back, from a file only root can read."""
    change(host).arm(UNDO, 30)
    file = host.folder / "changes/trial.1.nft"
    assert file.read_text() == UNDO
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert "--on-active=30s" in host.done[-1]
    assert str(file) in host.done[-1]
    assert change(host).pending


def test_confirmed(host: FakeHost) -> None:
    """A confirmed change stays and leaves nothing behind."""
    change(host).arm(UNDO, 30)
    assert change(host).confirm()
    assert host.done[-1] == "systemctl stop nixvegas-nftables-undo-trial.timer"
    assert list((host.folder / "changes").iterdir()) == []
    assert not change(host).confirm()


def test_only_the_own_run_confirms(host: FakeHost) -> None:
    """The late confirmation of a killed run does not confirm the change of the next."""
    change(host, run="2").arm(UNDO, 30)
    assert not change(host, run="1").confirm()
    assert change(host, run="2").confirm()


def test_undone(host: FakeHost) -> None:
    """The next run undoes what another left unconfirmed, but not the change of another ruleset."""
    change(host).arm(UNDO, 30)
    change(host, name="other").arm(UNDO, 30)
    change(host, run="2").undo()
    assert not change(host).pending
    assert not change(host).confirm()
    assert change(host, name="other").pending


def test_no_timer_no_change(host: FakeHost) -> None:
    """If systemd refuses the timer, nothing is pending."""
    host.fails["systemd-run"] = "no systemd here"
    with pytest.raises(NftError, match=r"Setting the timer .* failed(?s:.*)no systemd here"):
        change(host).arm(UNDO, 30)
    assert not change(host).pending
