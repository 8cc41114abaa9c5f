"""What is signed: every kind of path under every mode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from nar_server import base32
from nar_server.keys import PublicKey, SecretKey, Signature
from nar_server.path_info import PathInfo
from nar_server.policy import Decision, Mode, Paths, SigningPolicy, well_formed
from nar_server.signing import Signer, Verifier
from nar_server.store_path import StorePath

STORE = "/nix/store"
INPUT_ADDRESSED = PathInfo(StorePath("0" * 32, "x"), b"\xab" * 32, 112)
# `nix-store --add` of a file that holds "hi" (Nix 2.8 and 2.26).
RIGHT_CA = PathInfo(
    StorePath("qbpqchclbsdh374zrnflv0d5i3s6pbvg", "x"),
    base32.decode("1z63q11s9hppsav4x9kh767bqr7ypmw7ncg3wjncgs4lijvx8li2", 32),
    120,
    content_address="fixed:r:sha256:1z63q11s9hppsav4x9kh767bqr7ypmw7ncg3wjncgs4lijvx8li2",
)
MODES = ("vouched", "hide", "all", "none")


@pytest.fixture
def ours(make_key: Callable[[str], SecretKey]) -> SecretKey:
    return make_key("ours-1")


@pytest.fixture
def upstream(make_key: Callable[[str], SecretKey]) -> SecretKey:
    return make_key("upstream-1")


@pytest.fixture
def decide(ours: SecretKey, upstream: SecretKey) -> Callable[[str, PathInfo], Decision]:
    """What a server with our key, which trusts upstream's, decides in a mode."""

    def decide(mode: str, info: PathInfo) -> Decision:
        return SigningPolicy(Mode(mode), STORE, [Signer(ours)], [Verifier(upstream.public)]).decide(info)

    return decide


def sign(info: PathInfo, key: SecretKey) -> str:
    return Signer(key).sign(info.fingerprint(STORE)).text


def case(kind: str, upstream: SecretKey) -> PathInfo:
    """A path of each kind of the matrix."""
    forged = replace(INPUT_ADDRESSED, nar_hash=b"\xcd" * 32)
    return {
        "ultimate": replace(INPUT_ADDRESSED, ultimate=True),
        "trusted signature": replace(INPUT_ADDRESSED, signatures=(sign(INPUT_ADDRESSED, upstream),)),
        "forged signature": replace(INPUT_ADDRESSED, signatures=(sign(forged, upstream),)),
        "ca right": RIGHT_CA,
        "ca wrong": replace(RIGHT_CA, path=INPUT_ADDRESSED.path),
        "none": INPUT_ADDRESSED,
    }[kind]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["ultimate", "trusted signature", "forged signature", "ca right", "ca wrong", "none"])
def test_matrix(
    mode: str, kind: str, ours: SecretKey, upstream: SecretKey, decide: Callable[[str, PathInfo], Decision]
) -> None:
    info = case(kind, upstream)
    vouched = kind in ("ultimate", "trusted signature", "ca right")
    decision = decide(mode, info)
    signed = mode == "all" or (mode != "none" and vouched)
    assert decision.signatures == (*info.signatures, *([sign(info, ours)] if signed else []))
    assert decision.hidden == (mode == "hide" and not vouched)
    assert decision.withheld == (mode in ("vouched", "hide") and not vouched)


@pytest.mark.parametrize("mode", MODES)
def test_stored_signatures_pass_byte_for_byte_and_once(
    mode: str, make_key: Callable[[str], SecretKey], decide: Callable[[str, PathInfo], Decision]
) -> None:
    stored = [sign(INPUT_ADDRESSED, make_key(name)) for name in ("z-1", "a-1", "unknown")]
    info = replace(INPUT_ADDRESSED, ultimate=True, signatures=(*stored, "broken", stored[0], "x:AAAA", ""))
    assert [text for text in decide(mode, info).signatures if not text.startswith("ours-1:")] == stored


def test_a_forgery_under_our_name_is_replaced_or_dropped(
    ours: SecretKey, decide: Callable[[str, PathInfo], Decision]
) -> None:
    forged = sign(replace(INPUT_ADDRESSED, nar_size=1), ours)
    info = replace(INPUT_ADDRESSED, signatures=(forged,))
    assert decide("vouched", replace(info, ultimate=True)).signatures == (sign(info, ours),)
    assert decide("vouched", info).signatures == ()
    assert decide("none", info).signatures == ()


def test_what_we_signed_ourselves_stays(ours: SecretKey, decide: Callable[[str, PathInfo], Decision]) -> None:
    info = replace(INPUT_ADDRESSED, signatures=(sign(INPUT_ADDRESSED, ours),))
    for mode in MODES:
        assert decide(mode, info).signatures == info.signatures
    assert decide("vouched", info).withheld, "our own name vouches for nothing: only configured keys do"


def test_a_trusted_name_with_another_key_vouches_for_nothing(
    make_key: Callable[[str], SecretKey], upstream: SecretKey, decide: Callable[[str, PathInfo], Decision]
) -> None:
    impostor = make_key("impostor")
    impostor = SecretKey(upstream.name, impostor.seed, PublicKey(upstream.name, impostor.public.data))
    assert decide("vouched", replace(INPUT_ADDRESSED, signatures=(sign(INPUT_ADDRESSED, impostor),))).withheld


def test_nothing_is_signed_before_it_is_asked_for(upstream: SecretKey) -> None:
    class Counted(Signer):
        signed = 0

        def sign(self, fingerprint: bytes) -> Signature:
            self.signed += 1
            return super().sign(fingerprint)

    signer = Counted(upstream)
    decision = SigningPolicy(Mode.ALL, STORE, [signer], []).decide(INPUT_ADDRESSED)
    assert signer.signed == 0
    assert decision.signatures == decision.signatures == (sign(INPUT_ADDRESSED, upstream),)
    assert signer.signed == 1


def test_several_keys(make_key: Callable[[str], SecretKey]) -> None:
    keys = [make_key("new-1"), make_key("old-1")]
    info = replace(INPUT_ADDRESSED, ultimate=True)
    policy = SigningPolicy(Mode.VOUCHED, STORE, [Signer(key) for key in keys], [])
    assert policy.decide(info).signatures == tuple(sign(info, key) for key in keys)


def test_well_formed_signatures_are_of_the_whole_alphabet() -> None:
    assert well_formed(["n:" + "A" * 86 + "==", "n:" + "A" * 86]) == well_formed(["n:" + "A" * 86 + "=="])


@pytest.mark.parametrize(
    ("kind", "upstream_has", "built_has"),
    [
        ("ultimate", False, True),
        ("trusted signature", True, True),
        ("forged signature", False, False),
        ("ca right", False, True),
        ("ca wrong", False, False),
        ("none", False, False),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_views_of_some_paths(  # noqa: PLR0917
    mode: str, kind: str, upstream_has: bool, built_has: bool, ours: SecretKey, upstream: SecretKey
) -> None:
    for paths, has in (("upstream", upstream_has), ("built", built_has), ("all", True)):
        policy = SigningPolicy(Mode(mode), STORE, [Signer(ours)], [Verifier(upstream.public)], Paths(paths))
        decision = policy.decide(case(kind, upstream))
        assert decision.elsewhere is not has
        if not has:
            assert (decision.hidden, decision.signatures, decision.withheld) == (True, (), False)


def test_fetched_sources_are_not_made_here(make_key: Callable[[str], SecretKey], ours: SecretKey) -> None:
    policy = SigningPolicy(Mode.VOUCHED, STORE, [Signer(ours)], [], Paths.BUILT)
    assert not policy.decide(RIGHT_CA).elsewhere
    assert policy.decide(replace(RIGHT_CA, signatures=(sign(RIGHT_CA, make_key("elsewhere-1")),))).elsewhere
