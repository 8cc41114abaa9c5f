"""Keys and signatures as texts."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from nar_server.keys import KeyFormatError, PublicKey, SecretKey, Signature
from nar_server.signing import Signer, Verifier

GOOD = base64.b64encode(bytes(range(64))).decode()


@pytest.mark.parametrize("name", ["cache.nixos.org-1", "k", "schlüssel"])
def test_signature_keeps_its_text(name: str) -> None:
    assert Signature.parse(f"{name}:{GOOD}").text == f"{name}:{GOOD}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD,
        f":{GOOD}",
        "name:",
        f"name {GOOD}",
        f"na me:{GOOD}",
        f"na\nme:{GOOD}",
        f"na\x00me:{GOOD}",
        f"name\udc80:{GOOD}",
        f"name:{GOOD}\nSig: x",
        f"name:{GOOD[:-2]}",
        f"name:{GOOD[:-4]}",
        f"name:{GOOD}AAAA",
        f"name:{GOOD}:{GOOD}",
        "name:" + base64.urlsafe_b64encode(b"\xff" * 64).decode(),
        "name:ü" + GOOD[2:],
    ],
)
def test_malformed_signatures(text: str) -> None:
    with pytest.raises(KeyFormatError):
        Signature.parse(text)


def test_errors_and_representations_hold_no_secret() -> None:
    secret = base64.b64encode(b"S" * 63).decode()
    with pytest.raises(KeyFormatError) as error:
        SecretKey.parse(f"cache-1:{secret}")
    assert str(error.value) == "the secret key 'cache-1' has 63 bytes, must have 64"
    key = SecretKey.parse("cache-1:" + base64.b64encode(b"S" * 32 + b"P" * 32).decode())
    assert "SSS" not in repr(key)


def test_a_public_key_in_place_of_a_secret_one_is_told() -> None:
    with pytest.raises(KeyFormatError, match="'cache-1' has 32 bytes, must have 64; a public key is no secret key"):
        SecretKey.parse(f"cache-1:{base64.b64encode(bytes(32)).decode()}")


def test_halves_of_different_keys_are_refused() -> None:
    with pytest.raises(KeyFormatError, match="the public half inside the secret key 'cache-1' belongs to another key"):
        Signer(SecretKey.parse("cache-1:" + base64.b64encode(b"S" * 32 + b"P" * 32).decode()))


def test_keys_of_nix_itself(nix, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    secret, public = tmp_path / "secret", tmp_path / "public"
    nix("nix-store", "--generate-binary-cache-key", "cache.example.org-1", str(secret), str(public))
    key = SecretKey.parse(secret.read_text())
    assert str(key.public) == public.read_text().strip()
    signature = Signer(key).sign(b"fingerprint")
    verifier = Verifier(PublicKey.parse(public.read_text()))
    assert verifier.accepts(signature, b"fingerprint")
    assert not verifier.accepts(signature, b"fingerprinT")
    other_name = Signature("cache.example.org-2", signature.data, "")
    assert not verifier.accepts(other_name, b"fingerprint")
