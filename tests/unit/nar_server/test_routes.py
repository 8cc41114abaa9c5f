"""What a request's target asks for."""

from __future__ import annotations

import pytest
from nar_server.routes import CacheInfo, Health, Nar, Narinfo, Route, parse_target

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
    ],
)
def test_known(target: str, route: Route) -> None:
    assert parse_target(target) == route


@pytest.mark.parametrize(
    "target",
    [
        "",
        "/",
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
        f"/{OUT}.narinfo?json",
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
