# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A CA's files: never half a pair, never replaced without being asked."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.nebula.ca import CaFiles, remarks
from ansible_collections.nixvegas.noc.plugins.module_utils.nebula.program import NebulaCert, NebulaError

pytestmark = pytest.mark.skipif(not shutil.which("nebula-cert"), reason="nebula-cert is not installed")

NOW = datetime.now(UTC)
YEAR = timedelta(days=365)


class PowerLossError(Exception):
    pass


@pytest.fixture
def files(tmp_path: Path) -> CaFiles:
    return CaFiles(tmp_path / "nebula/ca.key", tmp_path / "nebula/ca.crt", NebulaCert())


def create(files: CaFiles, name: str = "dc33") -> None:
    files.create(name, YEAR, NOW)


def loaded(files: CaFiles):
    authority = files.load()
    assert authority is not None
    return authority


def test_a_new_ca_is_private(files):
    assert files.load() is None
    create(files)
    assert loaded(files).certificate.name == "dc33"
    assert files.key_mode() == 0o600
    assert files.key.parent.stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in files.key.parent.iterdir()) == ["ca.crt", "ca.key"]


def test_a_renewal_keeps_the_old_one_trusted(files):
    create(files)
    old = loaded(files).certificate
    create(files, "dc34")
    assert loaded(files).certificate.name == "dc34"
    assert loaded(files).others == (old,)


def test_a_renewal_drops_what_has_expired(files):
    create(files)
    files.create("dc34", YEAR, NOW + 2 * YEAR)
    assert loaded(files).others == ()


@pytest.mark.parametrize("renewal", [False, True])
@pytest.mark.parametrize("moves", [0, 1])
def test_a_crash_leaves_no_half_pair(files, monkeypatch, renewal, moves):
    if renewal:
        create(files, "old")
    done = []
    move = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if len(done) == moves:
            raise PowerLossError
        done.append(target)
        return move(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", failing)
        with pytest.raises(PowerLossError):
            create(files, "new")
    assert files.interrupted() == (moves == 1)
    if files.interrupted():
        files.recover()
        assert loaded(files).certificate.name == "new"
        assert len(loaded(files).others) == int(renewal)
    elif renewal:
        assert loaded(files).certificate.name == "old"
    else:
        assert files.load() is None
        create(files, "again")
        assert loaded(files).certificate.name == "again"


@pytest.mark.parametrize(("gone", "left"), [("key", "certificate"), ("certificate", "key")])
def test_half_a_pair_is_reported(files, gone, left):
    create(files)
    getattr(files, gone).unlink()
    with pytest.raises(NebulaError) as caught:
        files.load()
    assert str(caught.value).startswith(
        f"{getattr(files, left)} stands without {getattr(files, gone)}; put that one back"
    )


def test_a_foreign_key_is_reported(files, tmp_path):
    create(files)
    other = CaFiles(tmp_path / "other/ca.key", tmp_path / "other/ca.crt", files.tool)
    create(other)
    shutil.copy(other.key, files.key)
    with pytest.raises(NebulaError, match="is not the key of the CA 'dc33'"):
        files.load()


@pytest.mark.parametrize("name", ["key", "certificate"])
def test_damage_is_reported_and_left_alone(files, name):
    create(files)
    path = getattr(files, name)
    path.write_text("rubbish")
    with pytest.raises(NebulaError, match="put it back from your backup"):
        files.load()
    assert path.read_text() == "rubbish"


def test_an_encrypted_key_is_kept(files):
    create(files)
    files.key.write_text("$ANSIBLE_VAULT;1.1;AES256\n6162\n")
    assert loaded(files).key_encrypted


def test_remarks_are_for_people(files):
    create(files)
    authority = loaded(files)
    assert remarks(authority, "dc33", NOW, 60 * (YEAR / 365)) == []
    assert "plan a renewal" in remarks(authority, "dc33", NOW, 2 * YEAR)[0]
    assert "expired on" in remarks(authority, "dc33", NOW + 2 * YEAR, YEAR)[0]
    renamed = replace(authority, certificate=replace(authority.certificate, name="dc32"))
    assert "called 'dc32', not 'dc33'" in remarks(renamed, "dc33", NOW, timedelta())[0]


def test_a_renewal_keeps_the_former_pair(files):
    create(files)
    prefix = loaded(files).certificate.fingerprint[:16]
    former = {path: path.read_bytes() for path in (files.key, files.certificate)}
    files.key.chmod(0o644)
    create(files, "dc34")
    for path, content in former.items():
        kept = path.with_name(f"{path.name}.{prefix}")
        assert kept.read_bytes() == content != path.read_bytes()
    assert files.key.with_name(f"ca.key.{prefix}").stat().st_mode & 0o777 == 0o600
