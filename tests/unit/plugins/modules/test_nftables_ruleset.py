# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module against a host that obeys nft: check mode, change, confirmation, and what it says."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from ansible_collections.nixvegas.noc.plugins.modules import nftables_ruleset

from ..module_utils.nft.fake_host import SMALL, FakeHost

ARGUMENTS = {"name": "trial", "ruleset": SMALL}
TABLES = ["table inet small (kernel)", "table ip small_too (kernel)"]


class Trial:
    """Runs the module on a fake host."""

    def __init__(self, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch, folder: Path) -> None:
        self.fake = FakeHost(folder)
        self.nft: str | None = "nft"
        self.warnings: list[str] = []
        self._capsys = capsys

        def run_command(_module: AnsibleModule, command: list[str], data: str | None, **_: Any) -> tuple[int, str, str]:
            return self.fake.run(command, data)

        patch.setattr(AnsibleModule, "run_command", run_command)
        patch.setattr(AnsibleModule, "warn", lambda _module, warning: self.warnings.append(warning))
        patch.setattr(AnsibleModule, "get_bin_path", lambda *_: self.nft)
        patch.setattr(nftables_ruleset, "Host", partial(nftables_ruleset.Host, root=folder))
        patch.setattr(nftables_ruleset, "Unconfirmed", partial(nftables_ruleset.Unconfirmed, folder=folder / "changes"))

    def run(self, *, check: bool = False, **more: Any) -> dict[str, Any]:
        """The result of one run."""
        arguments = ARGUMENTS | more | {"_ansible_check_mode": check, "_ansible_diff": True}
        with patch_module_args(arguments), pytest.raises(SystemExit):
            nftables_ruleset.main()
        result: dict[str, Any] = json.loads(self._capsys.readouterr().out)
        return result


@pytest.fixture
def trial(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Trial:
    """A host without any tables."""
    return Trial(capsys, monkeypatch, tmp_path)


def test_check_change_and_second_run(trial: Trial) -> None:
    """Check mode foretells what the run does; then there is nothing to do."""
    foretold = trial.run(check=True)
    assert trial.fake.done == []
    done = trial.run()
    assert done["changed"]
    assert done["diff"] == foretold["diff"]
    assert done["tables_changed"] == TABLES
    assert done["tables"] == ["inet small", "ip small_too"]
    again = trial.run()
    assert (again["changed"], again["diff"]) == (False, [])


def test_apply_and_confirm(trial: Trial) -> None:
    """Applied tables wait; files are written when they are confirmed."""
    applied = trial.run(phase="apply", change="1")
    assert applied["confirm_pending"]
    assert list(trial.fake.kernel) == [("inet", "small"), ("ip", "small_too")]
    assert not (trial.fake.folder / "etc").exists()
    confirmed = trial.run(phase="confirm", change="1")
    assert not confirmed.get("failed")
    assert (trial.fake.folder / "etc/nftables.d/trial.nft").exists()
    assert not trial.run(phase="apply", change="2")["changed"]


def test_nothing_to_confirm(trial: Trial) -> None:
    """If only files differ, nothing can break the connection, and nothing waits."""
    trial.run()
    (trial.fake.folder / "etc/nftables.d/trial.nft").unlink()
    result = trial.run(phase="apply", change="1")
    assert (result["changed"], result["confirm_pending"]) == (True, False)
    assert not any("systemd-run" in line for line in trial.fake.done)


def test_confirmed_too_late(trial: Trial) -> None:
    """After the host has undone the change, the confirmation fails and says so."""
    trial.run(phase="apply", change="1")
    trial.fake.run(["sh", "-c", "", "sh", str(trial.fake.folder / "changes/trial.1.nft")], None)
    result = trial.run(phase="confirm", change="1", confirm_timeout=7)
    assert result["rolled_back"]
    assert result["msg"].startswith(
        "The new tables of ruleset 'trial' were not confirmed over a new connection within 7 seconds,"
        " so the host has put the former tables back."
    )
    assert trial.fake.kernel == {}


def test_left_by_a_killed_run(trial: Trial) -> None:
    """The next run undoes it first; check mode only says so."""
    trial.run(phase="apply", change="1")
    trial.run(check=True, change="2")
    assert "is not confirmed yet" in trial.warnings[0]
    assert trial.fake.kernel
    result = trial.run(phase="apply", change="2")
    assert result["tables_changed"] == TABLES
    assert trial.run(phase="confirm", change="1")["rolled_back"]
    assert not trial.run(phase="confirm", change="2").get("failed")


def test_refused_while_applying(trial: Trial) -> None:
    """If the kernel refuses at last, no timer is left."""
    trial.fake.fails["nft -f"] = "Error: No buffer space available"
    result = trial.run(phase="apply", change="1")
    assert result["failed"]
    assert "No buffer space" in result["msg"]
    assert list((trial.fake.folder / "changes").iterdir()) == []


def test_no_nft(trial: Trial) -> None:
    """Check mode shows what would be; a real run says what to install."""
    trial.nft = None
    checked = trial.run(check=True)
    assert checked["changed"]
    assert checked["tables_changed"] == ["table inet small, table ip small_too (kernel)"]
    assert "nft is not installed" in trial.warnings[0]
    assert trial.run()["msg"] == "nft is not installed on the host; install the package nftables first"


def test_main_file_of_somebody_else(trial: Trial) -> None:
    """The run warns that it was kept."""
    (trial.fake.folder / "etc").mkdir()
    (trial.fake.folder / "etc/nftables.conf").write_text("flush ruleset\n")
    trial.run()
    assert "kept as /etc/nftables.conf.before-nixvegas" in trial.warnings[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "../x"}, "name: '../x' is no ruleset name; use lower-case letters, digits, '_' and '-'"),
        ({"ruleset": "flush ruleset"}, "ruleset line 1: 'flush ruleset' is not allowed"),
        ({"ruleset": None}, "the ruleset names no table"),
    ],
)
def test_wrong_arguments(trial: Trial, arguments: dict[str, Any], message: str) -> None:
    """Told before anything is asked or done."""
    result = trial.run(**arguments)
    assert result["msg"].startswith(message)
    assert trial.fake.done == []


def test_absent(trial: Trial) -> None:
    """Everything goes; a second run finds nothing."""
    trial.run()
    assert trial.run(state="absent", ruleset=None)["tables_changed"] == TABLES
    assert trial.fake.kernel == {}
    assert not trial.run(state="absent", ruleset=None)["changed"]
