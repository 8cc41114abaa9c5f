# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module around a CA's files."""

from __future__ import annotations

import json
import shutil

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from ansible_collections.nixvegas.noc.plugins.modules import nebula_ca

pytestmark = pytest.mark.skipif(not shutil.which("nebula-cert"), reason="nebula-cert is not installed")


@pytest.fixture
def run(tmp_path, capfd):
    def call(check_mode=False, **options):
        paths = {"key_path": str(tmp_path / "ca.key"), "certificate_path": str(tmp_path / "ca.crt")}
        arguments = {"name": "dc33", **paths, **options, "_ansible_check_mode": check_mode}
        with patch_module_args(arguments), pytest.raises(SystemExit):
            nebula_ca.main()
        return json.loads(capfd.readouterr().out)

    return call


def test_check_mode_makes_nothing(run, tmp_path):
    result = run(check_mode=True)
    assert result["changed"]
    assert result["fingerprint"] == ""
    assert result["diff"]["after"] == "# make a new CA 'dc33' for 1095 days\n"
    assert list(tmp_path.iterdir()) == []


def test_a_ca_is_made_once(run):
    first, second = run(), run()
    assert (first["changed"], second["changed"]) == (True, False)
    assert second["fingerprint"] == first["fingerprint"] != ""
    assert "not_after" in second


def test_a_ca_near_its_end_is_warned_about_and_kept(run, monkeypatch):
    warnings: list[str] = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda self, text: warnings.append(text))
    first = run(days=20)
    second = run(days=20)
    assert not second["changed"]
    assert "plan a renewal" in warnings[0]
    third = run(renew=True)
    assert third["changed"]
    assert third["trusted"] == [first["fingerprint"]]


def test_an_open_key_is_closed(run, tmp_path):
    run()
    (tmp_path / "ca.key").chmod(0o644)
    assert "0644 becomes 0600" in run(check_mode=True)["diff"]["after"]
    assert run()["changed"]
    assert (tmp_path / "ca.key").stat().st_mode & 0o777 == 0o600


def test_an_interrupted_renewal_is_finished(run, tmp_path):
    run()
    (tmp_path / "ca.crt").rename(tmp_path / "ca.crt.new")
    assert run(check_mode=True)["changed"]
    assert run()["changed"]
    assert not run()["changed"]


def test_half_a_pair_is_an_error(run, tmp_path):
    run()
    (tmp_path / "ca.key").unlink()
    result = run()
    assert result["failed"]
    assert "stands without" in result["msg"]


def test_the_key_is_in_no_answer(run, tmp_path):
    answer = json.dumps(run())
    assert (tmp_path / "ca.key").read_text().splitlines()[1] not in answer
