# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's part: one run on the host when there is nothing to do, the CA's key read only to sign."""

from __future__ import annotations

import json
import os
import pwd
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.nixvegas.noc.plugins.action.nebula_cert import ActionModule
from ansible_collections.nixvegas.noc.plugins.module_utils.nebula.ca import CaFiles
from ansible_collections.nixvegas.noc.plugins.module_utils.nebula.host import HostFiles
from ansible_collections.nixvegas.noc.plugins.module_utils.nebula.keys import public_half
from ansible_collections.nixvegas.noc.plugins.module_utils.nebula.program import NebulaCert

pytestmark = pytest.mark.skipif(not shutil.which("nebula-cert"), reason="nebula-cert is not installed")


class Site:
    """A CA on a controller and a host, both folders of this machine."""

    def __init__(self, folder: Path) -> None:
        self.host = HostFiles(folder / "host", pwd.getpwuid(os.getuid()))
        self.ca = CaFiles(folder / "ca.key", folder / "ca.crt", NebulaCert())
        self.new_ca()
        self.runs: list[str] = []
        self.options = {
            "name": "ghostgate",
            "address": "10.6.7.1/16",
            "groups": ["router"],
            "ca_certificate_file": str(self.ca.certificate),
            "ca_key_file": str(self.ca.key),
            "directory": str(self.host.folder),
        }
        self.secrets: list[tuple[str, VaultSecret]] = []

    def new_ca(self, days: int = 700) -> None:
        self.ca.create("dc33", timedelta(days=days), datetime.now(UTC))

    def run(self, check_mode: bool = False, **options):
        self.runs.clear()
        task = SimpleNamespace(
            args={**self.options, **options}, check_mode=check_mode, diff=True, async_val=0, action="nebula_cert"
        )
        loader = DataLoader()
        loader.set_vault_secrets(self.secrets)
        connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
        action = ActionModule(task, connection, SimpleNamespace(), loader, None, None)
        action._execute_module = self._execute
        return action.run(task_vars={})

    def _execute(self, module_name, module_args, task_vars):
        signed = module_args.get("signed")
        self.runs.append("install" if signed else "read")
        if signed:
            self.host.install(**signed)
            return {"changed": True}
        state = self.host.read()
        if state["key_problem"]:
            state["public_key_pem"] = self.host.stage_key()
        return {"changed": False, "state": state}

    def text(self, name: str) -> str:
        return (self.host.folder / name).read_text()


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def test_a_new_host_gets_key_and_certificate(site):
    result = site.run()
    assert result["changed"]
    assert result["installed"]
    assert site.runs == ["read", "install"]
    certificate = site.ca.tool.read(site.text("host.crt"))[0]
    assert certificate.public_key == public_half(site.text("host.key")).hex()
    assert result["certificate"]["fingerprint"] == certificate.fingerprint
    assert site.text("host.key").splitlines()[1] not in json.dumps(result)


def test_nothing_to_do_is_one_run_and_never_reads_the_ca_key(site):
    site.run()
    site.ca.key.unlink()
    result = site.run()
    assert not result["changed"]
    assert "diff" not in result
    assert site.runs == ["read"]


def test_check_mode_signs_nothing(site):
    site.ca.key.unlink()
    result = site.run(check_mode=True)
    assert result["changed"]
    assert not result["installed"]
    assert site.runs == ["read"]
    assert result["certificate"]["fingerprint"] == "(known once signed)"


def test_a_changed_group_keeps_the_key(site):
    site.run()
    key = site.text("host.key")
    result = site.run(groups=["router", "crew"])
    assert result["reasons"] == ["groups: router becomes crew, router"]
    assert site.text("host.key") == key


def test_a_new_ca_signs_and_the_old_one_stays_trusted(site):
    old = site.run()["ca_fingerprints"]
    site.new_ca()
    result = site.run()
    assert result["ca_fingerprints"][1:] == old
    assert result["certificate"]["issuer"] == result["ca_fingerprints"][0]
    assert site.text("ca.crt") == site.ca.certificate.read_text()
    assert not site.run()["changed"]


def test_a_forged_certificate_is_replaced(site):
    site.run()
    lines = site.text("host.crt").splitlines()
    lines[-2] = lines[-2][::-1].lstrip("=") + "=" * lines[-2].count("=")
    (site.host.folder / "host.crt").write_text("\n".join(lines) + "\n")
    assert site.run()["changed"]
    assert site.ca.tool.check(site.text("host.crt"), site.text("ca.crt")) == ""


def test_an_encrypted_ca_key_is_decrypted_and_the_copy_removed(site, monkeypatch, tmp_path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("ansible.constants.DEFAULT_LOCAL_TMP", str(temporary))
    site.secrets = [("default", VaultSecret(b"password"))]
    encrypted = VaultLib(site.secrets).encrypt(site.ca.key.read_text(), site.secrets[0][1])
    site.ca.key.write_bytes(encrypted)
    assert site.run()["changed"]
    assert list(temporary.iterdir()) == []
    site.secrets = []
    with pytest.raises(AnsibleActionFail, match="cannot be read: A vault password"):
        site.run(groups=["other"])


def test_a_missing_ca_is_named(site):
    with pytest.raises(AnsibleActionFail, match="is not on the controller; make the CA with nebula_ca"):
        site.run(ca_certificate_file="/nowhere/ca.crt")


def test_a_ca_that_ends_soon_is_warned_about(site):
    for path in (site.ca.key, site.ca.certificate):
        path.unlink()
    site.new_ca(days=10)
    assert "make a new one" in site.run()["warnings"][0]
    assert not site.run()["changed"]


def test_the_module_s_own_option_is_refused(site):
    with pytest.raises(AnsibleActionFail, match="signed: this option is for the module's own use"):
        site.run(signed={"certificate": "c", "authorities": "a"})
