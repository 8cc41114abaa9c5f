"""Which narinfos of an upstream are believed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nar_server.keys import SecretKey
from nar_server.signing import Verifier
from nar_server.store_path import StorePath
from nar_server.upstream.offer import Offer, UntrustedError, parse_offer

from ..bounds import many
from .conftest import STORE, FakeUpstream, OfferedPath

OTHER = StorePath("1" * 32, "other")


def parse(fake: FakeUpstream, path: OfferedPath, hash_part: str | None = None) -> Offer:
    return parse_offer(path.narinfo, hash_part or path.hash_part, STORE, fake.url, [Verifier(fake.key.public)])


def test_a_right_one(fake: FakeUpstream) -> None:
    path = fake.add("x", compression="xz", references=(OTHER,))
    assert parse(fake, path) == Offer(path.info, f"{fake.url}/nar/x.nar.xz", "xz", path.narinfo)


def test_hexadecimal_hash_deriver_and_bzip2_by_default(fake: FakeUpstream) -> None:
    path = fake.add("x", Deriver=str(OTHER), CA="fixed:r:sha256:abc")
    path.narinfo = path.narinfo.replace(path.info.nar_hash_base32, path.info.nar_hash.hex())
    path.narinfo = path.narinfo.replace("Compression: none\n", "")
    offer = parse(fake, path)
    assert (offer.compression, offer.info.deriver, offer.info.content_address) == ("bzip2", OTHER, "fixed:r:sha256:abc")


def test_malformed_signatures_beside_a_right_one_are_dropped(fake: FakeUpstream) -> None:
    path = fake.add("x")
    path.narinfo += "Sig: broken\n"
    assert parse(fake, path).info.signatures == path.info.signatures


def test_more_signatures_than_can_be_verified_in_no_time(fake: FakeUpstream) -> None:
    path = fake.add("x")
    path.narinfo += "Sig: other:x\n" * 31
    assert parse(fake, path).info == path.info
    path.narinfo += "Sig: other:x\n"
    with pytest.raises(UntrustedError, match="it has more than 32 signatures"):
        parse(fake, path)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ({"StorePath": f"{STORE}/{OTHER}"}, "it is of another path"),
        ({"StorePath": "/other/store/x"}, "is not in the store"),
        ({"StorePath": f"{STORE}/../etc"}, "is not the base name"),
        ({"URL": "http://127.0.0.2/nar/x"}, "its NAR is not with the upstream"),
        ({"URL": "//127.0.0.1:1/nar/x"}, "its NAR is not with the upstream"),
        ({"URL": "file:///etc/passwd"}, "its NAR is not with the upstream"),
        ({"URL": "http://127.0.0.1:x/"}, "Port could not be cast"),
        ({"Compression": "br"}, "'br' is not a compression known here"),
        ({"NarHash": "md5:abc"}, "is not a SHA-256 hash"),
        ({"NarSize": "0"}, "its NAR size is not a number from 1"),
        ({"NarSize": "-1"}, "its NAR size is not a number from 1"),
        ({"References": "../x"}, "is not the base name"),
        ({"CA": "fixed: x"}, "its content address is malformed"),
        ({"Sig": "broken"}, "no key of this upstream signed it"),
    ],
)
def test_what_is_not_believed(fake: FakeUpstream, lines: dict[str, str], reason: str) -> None:
    with pytest.raises(UntrustedError, match=reason):
        parse(fake, path := fake.add("x", **lines), path.hash_part)


def test_another_scheme_is_another_origin(fake: FakeUpstream) -> None:
    with pytest.raises(UntrustedError, match="its NAR is not with the upstream"):
        parse(fake, fake.add("x", URL=f"https://127.0.0.1:{fake.port}/cache/nar/x.nar.none"))


def test_signed_by_another_or_for_another(fake: FakeUpstream, make_key: Callable[[str], SecretKey]) -> None:
    with pytest.raises(UntrustedError, match="no key of this upstream"):
        parse(fake, fake.add("x", sign_with=make_key("impostor-1")))
    path, other = fake.add("x"), fake.add("y", b"other content")
    with pytest.raises(UntrustedError, match="no key of this upstream"):
        parse(fake, fake.add("x", NarHash=f"sha256:{other.info.nar_hash_base32}"))
    with pytest.raises(UntrustedError, match="it is of another path"):
        parse(fake, other, path.hash_part)


@pytest.mark.parametrize("harm", ["", "no narinfo at all", "StorePath: a\nStorePath: b\n", "NarSize: 1\n"])
def test_what_is_no_narinfo(fake: FakeUpstream, harm: str) -> None:
    path = fake.add("x")
    path.narinfo = harm
    with pytest.raises(UntrustedError):
        parse(fake, path)


pieces = st.text(st.characters(max_codepoint=0x2FFF), max_size=6) | st.sampled_from(
    ["\n", "\r", "\x85", "\u2028", ": ", "Sig: ", "URL: ", "http://[", "//", "NarSize: 1\n", "/nix/store/", "\x00", "٣"]
)


@settings(max_examples=many(300), deadline=None, suppress_health_check=list(HealthCheck))
@given(edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 60), pieces), min_size=1, max_size=4))
def test_edited_narinfos(fake: FakeUpstream, edits: list[tuple[float, int, str]]) -> None:
    """What is believed is what was signed, and what is not, is told as such."""
    path = fake.add("x", compression="xz", references=(OTHER,))
    for place, removed, inserted in edits:
        start = int(place * len(path.narinfo))
        path.narinfo = path.narinfo[:start] + inserted + path.narinfo[start + removed :]
    try:
        offer = parse(fake, path)
    except UntrustedError:
        return
    assert offer.info.fingerprint(STORE) == path.info.fingerprint(STORE)
    assert path.info.signatures[0] in offer.info.signatures
    assert offer.url.startswith(f"http://127.0.0.1:{fake.port}/")
    assert "\n" not in offer.url + "".join(offer.info.signatures) + str(offer.info.content_address)
