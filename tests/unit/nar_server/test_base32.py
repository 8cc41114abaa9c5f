"""Nix's base 32."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nar_server import base32


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"\x00", "00"),
        (b"\xff", "7z"),
        # nix-hash --type sha256 --to-base32 of the SHA-256 of "abc" (Nix's own tests/hash.cc).
        (hashlib.sha256(b"abc").digest(), "1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s"),
    ],
)
def test_known(data: bytes, text: str) -> None:
    assert base32.encode(data) == text
    assert base32.decode(text, len(data)) == data


@given(st.binary(max_size=64))
def test_decode_is_the_inverse(data: bytes) -> None:
    text = base32.encode(data)
    assert len(text) == base32.encoded_length(len(data))
    assert not set(text) & set("eout")
    assert base32.decode(text, len(data)) == data


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0" * 51, "51 base-32 digits where 52 are needed for 32 bytes"),
        ("e" + "0" * 51, "'e' is not a digit of Nix's base 32"),
        ("z" * 52, "the base-32 number is larger than 32 bytes"),
    ],
)
def test_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        base32.decode(text, 32)
