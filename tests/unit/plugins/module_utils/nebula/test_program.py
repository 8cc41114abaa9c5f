# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wrapped program, and what it prints."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.nebula.keys import (
    CA_KEY,
    HOST_KEY,
    HOST_PUBLIC_KEY,
    bytes_of,
    ca_public_half,
    new_host_key,
    pem,
    public_half,
)
from ansible_collections.nixvegas.noc.plugins.module_utils.nebula.program import (
    NebulaCert,
    NebulaError,
    Request,
    certificate_of,
)

needs_nebula = pytest.mark.skipif(not shutil.which("nebula-cert"), reason="nebula-cert is not installed")

PRINTED = {
    "details": {
        "groups": ["b", "a"],
        "ips": ["10.6.7.1/16"],
        "isCa": False,
        "issuer": "82026e50",
        "name": "ghost",
        "notAfter": "2027-11-22T21:05:47Z",
        "notBefore": "2026-11-22T23:05:48+02:00",
        "publicKey": "a4aa6b41",
        "subnets": ["10.4.0.0/24", "0.0.0.0/0"],
    },
    "fingerprint": "5edf988e",
    "signature": "dfda79ba",
}


@pytest.mark.parametrize("more", [{}, {"curve": "CURVE25519"}], ids=["1.6.1", "1.9.3"])
def test_both_debian_versions_are_understood(more):
    certificate = certificate_of({**PRINTED, "details": {**PRINTED["details"], **more}})
    assert certificate.groups == ("a", "b")
    assert certificate.subnets == ("0.0.0.0/0", "10.4.0.0/24")
    assert certificate.not_after == datetime(2027, 11, 22, 21, 5, 47, tzinfo=UTC)
    assert certificate.not_before == datetime(2026, 11, 22, 21, 5, 48, tzinfo=UTC)
    assert certificate.fields()["address"] == "10.6.7.1/16"


@pytest.mark.parametrize("printed", [[], {}, {"details": {"networks": ["10.6.7.1/16"]}, "version": 2}])
def test_other_versions_are_refused(printed):
    with pytest.raises(NebulaError, match="versions 1"):
        certificate_of(printed)


def test_a_missing_program_is_named():
    with pytest.raises(NebulaError, match="apt install nebula"):
        NebulaCert("nebula-cert-that-is-not-there")


@needs_nebula
def test_signing_for_real(tmp_path: Path):
    tool = NebulaCert()
    key, certificate = tmp_path / "ca.key", tmp_path / "ca.crt"
    tool.make_ca("dc33 overlay", timedelta(days=10), key, certificate)
    authority = tool.read(certificate.read_text())[0]
    assert authority.is_ca
    assert authority.name == "dc33 overlay"
    assert ca_public_half(key.read_text()).hex() == authority.public_key

    host_key = new_host_key()
    request = Request("ghost", "10.6.7.1/16", ("a", "b"), ("10.4.0.0/24",), timedelta(days=2))
    signed = tool.sign(request, pem(HOST_PUBLIC_KEY, public_half(host_key)), certificate, key)
    read = tool.read(signed)[0]
    assert (read.name, read.addresses, read.groups, read.subnets) == (
        "ghost",
        ("10.6.7.1/16",),
        ("a", "b"),
        ("10.4.0.0/24",),
    )
    assert read.issuer == authority.fingerprint
    assert read.public_key == public_half(host_key).hex()
    assert timedelta(days=1) < read.not_after - datetime.now(UTC) <= timedelta(days=2)
    assert tool.check(signed, certificate.read_text()) == ""

    other_key, other = tmp_path / "other.key", tmp_path / "other.crt"
    tool.make_ca("other", timedelta(days=10), other_key, other)
    assert tool.check(signed, other.read_text()) != ""
    assert [ca.name for ca in tool.read(other.read_text() + certificate.read_text())] == ["other", "dc33 overlay"]
    with pytest.raises(NebulaError, match="nebula-cert sign failed"):
        tool.sign(request, pem(HOST_PUBLIC_KEY, public_half(host_key)), certificate, other_key)
    with pytest.raises(NebulaError, match="nebula-cert print failed"):
        tool.read("rubbish")


@needs_nebula
def test_our_keys_are_nebulas(tmp_path: Path):
    tool = NebulaCert()
    tool._run("keygen", "-out-key", str(tmp_path / "key"), "-out-pub", str(tmp_path / "pub"))
    assert pem(HOST_PUBLIC_KEY, public_half((tmp_path / "key").read_text())) == (tmp_path / "pub").read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is not a"),
        (pem(CA_KEY, bytes(64)), "it is not a NEBULA X25519 PRIVATE KEY in PEM"),
        (f"-----BEGIN {HOST_KEY}-----\n!!secret!!\n-----END {HOST_KEY}-----", "not base64"),
        (pem(HOST_KEY, bytes(31)), "31 bytes instead of 32"),
    ],
)
def test_damaged_keys_are_refused_without_their_content(text, message):
    with pytest.raises(NebulaError, match=message) as caught:
        bytes_of(text, HOST_KEY, 32)
    assert "secret" not in str(caught.value)
