"""Golden texts."""

from __future__ import annotations

from nar_server.narinfo import render_cache_info, render_narinfo
from nar_server.path_info import PathInfo
from nar_server.store_path import StorePath

HELLO = StorePath("0" * 32, "hello-2.12")
GLIBC = StorePath("1" * 32, "glibc-2.39")
DERIVER = StorePath("2" * 32, "hello-2.12.drv")
NAR_HASH = bytes(range(32))
# nix-hash --to-base32 --type sha256 000102…1f
NAR_HASH_TEXT = "07qy3lf1n6hr30bic58l2c91240g1q6hq2qa1440f1h50h1h4080"


def test_cache_info() -> None:
    assert render_cache_info("/nix/store", 10) == "StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 10\n"


def test_everything() -> None:
    info = PathInfo(HELLO, NAR_HASH, 226560, (HELLO, GLIBC), DERIVER, content_address="fixed:r:sha256:abc")
    assert render_narinfo(info, "/nix/store", ["a-1:AAAA", "b-1:BBBB"]) == (
        f"StorePath: /nix/store/{'0' * 32}-hello-2.12\n"
        f"URL: nar/{NAR_HASH_TEXT}.nar?hash={'0' * 32}\n"
        "Compression: none\n"
        f"FileHash: sha256:{NAR_HASH_TEXT}\n"
        "FileSize: 226560\n"
        f"NarHash: sha256:{NAR_HASH_TEXT}\n"
        "NarSize: 226560\n"
        f"References: {'0' * 32}-hello-2.12 {'1' * 32}-glibc-2.39\n"
        f"Deriver: {'2' * 32}-hello-2.12.drv\n"
        "Sig: a-1:AAAA\n"
        "Sig: b-1:BBBB\n"
        "CA: fixed:r:sha256:abc\n"
    )


def test_as_little_as_possible() -> None:
    assert render_narinfo(PathInfo(HELLO, NAR_HASH, 112), "/nix/store", []) == (
        f"StorePath: /nix/store/{'0' * 32}-hello-2.12\n"
        f"URL: nar/{NAR_HASH_TEXT}.nar?hash={'0' * 32}\n"
        "Compression: none\n"
        f"FileHash: sha256:{NAR_HASH_TEXT}\n"
        "FileSize: 112\n"
        f"NarHash: sha256:{NAR_HASH_TEXT}\n"
        "NarSize: 112\n"
        "References: \n"
    )
