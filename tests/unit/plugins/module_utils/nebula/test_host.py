# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host's files."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.nebula.host import HostFiles
from ansible_collections.nixvegas.noc.plugins.module_utils.nebula.keys import HOST_PUBLIC_KEY, pem, public_half


@pytest.fixture
def files(tmp_path: Path) -> HostFiles:
    return HostFiles(tmp_path / "nebula", pwd.getpwuid(os.getuid()))


def modes(files: HostFiles) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in files.folder.iterdir()}


def test_a_pristine_host_is_only_looked_at(files):
    state = files.read()
    assert state["key_problem"] == "there is no private key"
    assert (state["public_key"], state["certificate"], state["authorities"]) == ("", "", "")
    assert not files.folder.exists()


def test_a_key_is_staged_and_then_installed(files):
    public = files.stage_key()
    assert modes(files) == {"host.key.new": 0o600}
    files.install("certificate\n", "authorities\n")
    assert modes(files) == {"host.key": 0o600, "host.crt": 0o644, "ca.crt": 0o644}
    state = files.read()
    assert state["public_key_pem"] == public
    assert pem(HOST_PUBLIC_KEY, public_half((files.folder / "host.key").read_text())) == public
    assert (state["certificate"], state["authorities"]) == ("certificate\n", "authorities\n")
    assert (state["key_problem"], state["wrong_modes"]) == ("", [])


def test_the_private_key_is_in_no_answer(files):
    public = files.stage_key()
    secret = (files.folder / "host.key.new").read_text().splitlines()[1]
    files.install("c", "a")
    assert secret not in f"{public}{files.read()}"


def test_a_new_certificate_keeps_the_key(files):
    files.stage_key()
    files.install("one", "ca")
    key = (files.folder / "host.key").read_bytes()
    inode = (files.folder / "ca.crt").stat().st_ino
    files.install("two", "ca")
    assert (files.folder / "host.key").read_bytes() == key
    assert (files.folder / "ca.crt").stat().st_ino == inode
    assert files.read()["certificate"] == "two"


def test_what_cannot_be_written_leaves_all_as_it_was(files):
    files.stage_key()
    files.install("one", "ca")
    before = {path.name: path.read_bytes() for path in files.folder.iterdir()}
    files.stage_key()
    with pytest.raises(UnicodeEncodeError):
        files.install("two", "ca: \N{SNOWMAN}")
    files.drop_staged_key()
    assert {path.name: path.read_bytes() for path in files.folder.iterdir()} == before


def test_a_key_that_an_interrupted_run_left_is_forgotten(files):
    files.stage_key()
    files.install("one", "ca")
    files.stage_key()
    files.drop_staged_key()
    assert "host.key.new" not in modes(files)


def test_open_keys_and_damaged_keys_are_named(files):
    files.stage_key()
    files.install("one", "ca")
    (files.folder / "host.key").write_text("rubbish")
    (files.folder / "host.key").chmod(0o644)
    state = files.read()
    assert state["key_problem"].endswith("host.key cannot be used: it is not a NEBULA X25519 PRIVATE KEY in PEM")
    assert state["wrong_modes"][0].startswith("host.key: ")
    assert state["wrong_modes"][0].endswith(" 0600")
