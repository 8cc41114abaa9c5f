"""What a request's target asks for."""

from __future__ import annotations

import pytest
from nar_server.routes import (
    BuildTrace,
    CacheInfo,
    Health,
    Landing,
    Listing,
    Log,
    Metrics,
    Nar,
    Narinfo,
    NarinfoJson,
    Realisation,
    Route,
    Serve,
    Stats,
    Version,
    parse_target,
)

OUT = "0123456789abcdfghijklmnpqrsvwxyz"
NAR = OUT + "0" * 20


@pytest.mark.parametrize(
    ("target", "route"),
    [
        ("/nix-cache-info", CacheInfo()),
        ("/health", Health()),
        (f"/{OUT}.narinfo", Narinfo(OUT)),
        (f"/nar/{NAR}.nar?hash={OUT}", Nar(OUT, NAR)),
        (f"/nar/{OUT}-{NAR}.nar", Nar(OUT, NAR)),
        (f"/{OUT}.narinfo?json", NarinfoJson(OUT)),
        (f"/{OUT}.ls", Listing(OUT)),
        (f"/serve/{OUT}", Serve(OUT, "")),
        (f"/serve/{OUT}/a/b%20c?d", Serve(OUT, "/a/b%20c?d")),
        (f"/log/{OUT}-x.drv", Log(f"{OUT}-x.drv")),
        (f"/build-trace-v2/{OUT}-x.drv/out.doi", BuildTrace(f"{OUT}-x.drv", "out")),
        (f"/realisations/sha256:{'a' * 64}!out.doi", Realisation(f"sha256:{'a' * 64}", "out")),
        (f"/realisations/sha256%3A{'a' * 64}%21out.doi", Realisation(f"sha256%3A{'a' * 64}", "out")),
        ("/", Landing()),
        ("/?utm_source=chat", Landing()),
        ("/stats.json", Stats()),
        ("/metrics", Metrics()),
        ("/version", Version()),
    ],
)
def test_known(target: str, route: Route) -> None:
    assert parse_target(target) == route


@pytest.mark.parametrize(
    "target",
    [
        "",
        "*",
        "//nix-cache-info",
        "/nix-cache-info/",
        "/nix-cache-info?",
        f"/{OUT[:-1]}.narinfo",
        f"/{OUT}0.narinfo",
        f"/{OUT.upper()}.narinfo",
        f"/e{OUT[1:]}.narinfo",
        f"/%30{OUT[1:]}.narinfo",
        f"/%30{OUT[3:]}.narinfo",
        f"/../{OUT}.narinfo",
        f"/{OUT}.narinfo\n",
        f"/{OUT}.narinfo?yaml",
        f"/{OUT}.ls/",
        "/serve/etc",
        f"/serve/{OUT}x",
        f"/serve/{OUT[1:]}/x",
        f"/serve/{OUT}/a b",
        f"/log/{OUT}",
        f"/log/../{OUT}-x.drv",
        f"/log/{OUT}-x/y",
        f"/build-trace-v2/{OUT}-x.drv/out",
        f"/build-trace-v2/{OUT}-x.drv/../out.doi",
        f"/realisations/sha256:{'g' * 64}!out.doi",
        f"/realisations/md5:{'a' * 64}!out.doi",
        "/stats",
        "/metrics?x",
        f"/..{OUT[2:]}.narinfo",
        f"http://host/{OUT}.narinfo",
        f"/nar/{NAR}.nar",
        f"/nar/{NAR}.nar?hash={OUT[:-1]}",
        f"/nar/{NAR}.nar?hash={OUT}&hash={OUT}",
        f"/nar/{NAR[:-1]}.nar?hash={OUT}",
        f"/nar/{OUT}.nar",
        f"/nar/{OUT}-{NAR}.nar.xz",
        f"/nar/../nar/{OUT}-{NAR}.nar",
        "/serve/etc/passwd",
    ],
)
def test_nothing_else(target: str) -> None:
    assert parse_target(target) is None
