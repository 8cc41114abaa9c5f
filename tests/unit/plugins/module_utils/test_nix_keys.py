# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nix's key format, and Nix's own opinion of our keys."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.nix_keys import (
    NixKeyError,
    check_name,
    generate,
    parse_public,
    parse_secret,
)

# Made by `nix key generate-secret --key-name example-1` (Nix 2.8) for this test, and its public half by Nix.
SECRET = "example-1:WIjXaeHjKc17euLzYYVj1hdak0Ow/wq+UQ7Qkay0O8p2zr4O0HPHya4Jr1dAN4a/BBOLv4e7moESPGgeXjEvWw=="
PUBLIC = "example-1:ds6+DtBzx8muCa9XQDeGvwQTi7+Hu5qBEjxoHl4xL1s="

NAR_SIZE_OF_HELLO = 120

needs_nix = pytest.mark.skipif(not shutil.which("nix"), reason="nix is not installed")


def test_nix_s_own_key_is_read_and_written_unchanged():
    key = parse_secret(SECRET)
    assert key.text == SECRET
    assert key.public_text == PUBLIC
    assert parse_public(f"{PUBLIC}\n") == PUBLIC


def test_generated_keys_differ_and_are_valid():
    one, other = generate("cache-1"), generate("cache-1")
    assert one.seed != other.seed
    assert parse_secret(one.text) == one


def test_a_key_does_not_show_itself():
    key = generate("cache-1")
    assert base64.b64encode(key.seed).decode()[:20] not in f"{key!r} {key}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is no Nix secret key: it does not begin with a name and a colon"),
        ("noname", "it is no Nix secret key"),
        (":AAAA", "it is no Nix secret key"),
        ("a b:AAAA", "it is no Nix secret key"),
        ("x-1:%%hush%%", "the secret key 'x-1' is damaged: not base64"),
        (PUBLIC, "the secret key 'example-1' is damaged: 32 bytes instead of 64"),
        ("x-1:" + base64.b64encode(b"h" * 64).decode(), "its public half does not belong to its secret half"),
    ],
)
def test_damaged_keys_are_refused_without_their_content(text, message):
    with pytest.raises(NixKeyError) as caught:
        parse_secret(text)
    assert message in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\n"])
def test_names_nix_cannot_use_are_refused(name):
    with pytest.raises(NixKeyError, match="write it like"):
        check_name(name)


class Nix:
    """Nix with stores and settings of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        settings = "experimental-features = nix-command\nsubstituters =\nbuild-users-group =\nrequire-sigs = true"
        self.environment = {**os.environ, "HOME": str(folder), "NIX_CONF_DIR": str(folder), "NIX_CONFIG": settings}

    def __call__(self, program: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [program, *arguments]
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, check=False, env=self.environment, timeout=60
        )

    def store(self, name: str) -> str:
        return f"local?root={self.folder / name}"


@needs_nix
def test_nix_derives_the_same_public_key(tmp_path):
    key = generate("cache.example.org-1")
    converted = Nix(tmp_path)("nix", "key", "convert-secret-to-public", stdin=key.text)
    assert converted.stdout == key.public_text, converted.stderr


@needs_nix
def test_nix_accepts_signatures_of_our_key_only(tmp_path):
    nix = Nix(tmp_path)
    key, other = generate("cache.example.org-1"), generate("cache.example.org-1")
    (tmp_path / "key").write_text(key.text)
    # A path without a content address, so that only a signature can vouch for it.
    path = f"/nix/store/{'0' * 32}-hello"
    (tmp_path / "from/nix/store").mkdir(parents=True)
    (tmp_path / f"from{path}").write_text("hello")
    nar_hash = nix("nix-hash", "--type", "sha256", str(tmp_path / f"from{path}")).stdout
    row = f"{path}\n{nar_hash}{NAR_SIZE_OF_HELLO}\n\n0\n"
    registered = nix("nix-store", "--store", nix.store("from"), "--load-db", stdin=row)
    assert registered.returncode == 0, registered.stderr
    signed = nix("nix", "store", "sign", "--store", nix.store("from"), "--key-file", str(tmp_path / "key"), path)
    assert signed.returncode == 0, signed.stderr

    copy = (
        "nix",
        "copy",
        "--from",
        nix.store("from"),
        "--to",
        nix.store("to"),
        path,
        "--option",
        "trusted-public-keys",
    )
    refused = nix(*copy, other.public_text)
    assert "lacks a valid signature" in refused.stderr or "lacks a signature by a trusted key" in refused.stderr
    accepted = nix(*copy, key.public_text)
    assert accepted.returncode == 0, accepted.stderr
    assert (tmp_path / f"to{path}").read_text() == "hello"
