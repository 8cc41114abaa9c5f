# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module around a signing key's files."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.nixvegas.noc.plugins.module_utils.nix_keys import generate, parse_secret
from ansible_collections.nixvegas.noc.plugins.modules import nix_signing_key

NAME = "cache.example.org-1"


@pytest.fixture
def run(tmp_path, capfd):
    def call(check_mode=False, **options):
        paths = {"path": str(tmp_path / "nix/cache.key"), "public_path": str(tmp_path / "nix/cache.pub")}
        with (
            patch_module_args({"name": NAME, **paths, **options, "_ansible_check_mode": check_mode}),
            pytest.raises(SystemExit),
        ):
            nix_signing_key.main()
        return json.loads(capfd.readouterr().out)

    return call


@pytest.fixture
def secret(tmp_path):
    return tmp_path / "nix/cache.key"


@pytest.fixture
def public(tmp_path):
    return tmp_path / "nix/cache.pub"


def test_check_mode_makes_nothing(run, tmp_path):
    result = run(check_mode=True)
    assert result["changed"]
    assert result["public_key"] == ""
    assert list(tmp_path.iterdir()) == []


def test_a_key_is_made_once(run, secret, public):
    first, text, second = run(), secret.read_text(), run()
    assert (first["changed"], second["changed"]) == (True, False)
    assert secret.read_text() == text
    assert second["public_key"] == first["public_key"] == public.read_text() == parse_secret(text).public_text
    assert (secret.stat().st_mode & 0o777, public.stat().st_mode & 0o777) == (0o600, 0o644)


def test_the_secret_is_in_no_answer(run, secret):
    answer = json.dumps(run())
    assert secret.read_text().partition(":")[2] not in answer
    assert secret.read_text().partition(":")[2][:20] not in answer


def test_a_lost_public_key_is_written_again(run, public):
    key = run()["public_key"]
    public.unlink()
    assert run()["changed"]
    assert public.read_text() == key


def test_an_open_key_is_closed(run, secret):
    run()
    secret.chmod(0o640)
    assert run()["changed"]
    assert secret.stat().st_mode & 0o777 == 0o600


def test_an_encrypted_key_is_kept(run, secret, public):
    key = run()["public_key"]
    secret.write_text("$ANSIBLE_VAULT;1.1;AES256\n6162\n")
    result = run()
    assert not result["changed"]
    assert result["public_key"] == key
    public.unlink()
    assert "is encrypted and its public key cannot be read" in run()["msg"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rubbish", "it does not begin with a name and a colon; it is left alone: put it back from your backup"),
        (generate("other-1").text, "holds the key 'other-1', not 'cache.example.org-1'"),
    ],
)
def test_another_key_is_never_overwritten(run, secret, text, message):
    secret.parent.mkdir()
    secret.write_text(text)
    result = run()
    assert result["failed"]
    assert message in result["msg"]
    assert secret.read_text() == text


def test_a_lost_secret_is_not_replaced_silently(run, secret):
    run()
    secret.unlink()
    assert "put that one back from your backup" in run()["msg"]
    assert not secret.exists()


def test_a_name_nix_cannot_use_is_refused(run):
    assert "empty or has spaces or a colon" in run(name="a:b")["msg"]
