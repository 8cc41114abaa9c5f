"""Which view a request is for, and that views of one store do not mix."""

from __future__ import annotations

import bz2
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from nar_server.config import parse_config
from nar_server.keys import SecretKey
from nar_server.path_info import PathInfo
from nar_server.signing import Signer
from nar_server.store_path import StorePath
from nar_server.views import Views

from .running import Running
from .test_nix_clients import secret_text

CONFIG = """
    [views.main]
    [views.hydra]
    prefix = "/hydra"
    [views.deep]
    prefix = "/hydra/deep"
    [views.named]
    hosts = ["cache.example", "cache"]
    [views.both]
    hosts = ["cache.example"]
    prefix = "/hydra"
"""


@pytest.mark.parametrize(
    ("host", "target", "name", "rest"),
    [
        ("any", "/x", "main", "/x"),
        ("", "/", "main", "/"),
        ("any", "/hydra/x?y", "hydra", "/x?y"),
        ("any", "/hydra", "hydra", "/"),
        ("any", "/hydra?x", "hydra", "/?x"),
        ("any", "/hydrax", "main", "/hydrax"),
        ("any", "/hydra/deep/x", "deep", "/x"),
        ("cache.example", "/x", "named", "/x"),
        ("CACHE:5000", "/x", "named", "/x"),
        ("cache.example:80", "/hydra/x", "both", "/x"),
        ("cache.example", "/hydra/deep/x", "both", "/deep/x"),
        ("cache.example.:80", "/x", "named", "/x"),
        ("[::1]:5000", "/x", "main", "/x"),
        ("[::1]cache.example", "/x", "main", "/x"),
    ],
)
def test_find(host: str, target: str, name: str, rest: str) -> None:
    found = Views.of(parse_config(CONFIG)).find(host, target)
    assert found is not None
    assert (found[0].name, found[1]) == (name, rest)


def test_no_view() -> None:
    views = Views.of(parse_config('views.a.hosts = ["a"]\nviews.b.prefix = "/b"'))
    assert views.find("c", "/x") is None
    assert views.find("a", "/b/x") is not None
    assert views.find("", "/b") is not None


def test_views_of_one_store_share_it(tmp_path: Path) -> None:
    views = Views.of(parse_config("[views.a]\nprefix = '/a'\n[views.b]\n"))
    assert [store.name for store in views.stores] == ["main"]
    assert len({id(view.store) for view in views}) == 1


@dataclass
class Asked:
    """Asks a server, and gives the status of what it refuses."""

    server: Running

    def __call__(self, target: str) -> bytes | int:
        try:
            return self.server.get(target)
        except HTTPError as problem:
            return problem.code


def test_a_mirror_and_a_build_farm_over_one_store_never_mix(
    store: Any, tmp_path: Path, make_key: Callable[[str], SecretKey]
) -> None:
    upstream = make_key("upstream-1")
    fetched = store.add("fetched", b"fetched", deriver=f"/nix/store/{'1' * 32}-fetched.drv")
    info = PathInfo(StorePath(fetched.hash_part, "fetched"), hashlib.sha256(fetched.nar).digest(), len(fetched.nar))
    signature = Signer(upstream).sign(info.fingerprint("/nix/store")).text
    store.execute("update ValidPaths set sigs = ? where path like '%-fetched'", (signature,))
    built = store.add("built", b"built", ultimate=1, deriver=f"/nix/store/{'2' * 32}-built.drv")
    smuggled = store.add("smuggled", b"smuggled")
    log = store.logs / "drvs/22" / f"{'2' * 30}-built.drv.bz2"
    log.parent.mkdir(parents=True)
    log.write_bytes(bz2.compress(b"building"))
    for name in ("mirror-1", "hydra-1"):
        (tmp_path / name).write_text(secret_text(make_key(name)))
    config = tmp_path / "config.toml"
    config.write_text(
        f"""
        listen = ["127.0.0.1:0"]
        real_store_dir = "{store.directory}"
        trusted_public_keys = ["{upstream.public}"]
        [views.mirror]
        paths = "upstream"
        priority = 20
        signing_key_files = ["{tmp_path / "mirror-1"}"]
        [views.hydra]
        prefix = "/hydra"
        paths = "built"
        priority = 10
        signing_key_files = ["{tmp_path / "hydra-1"}"]
        """
    )
    server = Running(config, tmp_path)
    try:
        ask = Asked(server)
        signers = {}
        for prefix, path in (("", fetched), ("/hydra", built)):
            narinfo = ask(f"{prefix}/{path.hash_part}.narinfo")
            assert isinstance(narinfo, bytes)
            lines = narinfo.decode().splitlines()
            signers[prefix] = [line.split(":")[1].strip() for line in lines if line.startswith("Sig: ")]
            assert ask(f"{prefix}{path.url}") == path.nar
        assert signers == {"": ["upstream-1", "mirror-1"], "/hydra": ["hydra-1"]}
        for prefix, absent in (("", built), ("/hydra", fetched), ("", smuggled), ("/hydra", smuggled)):
            targets = (f"/{absent.hash_part}.narinfo", f"/{absent.hash_part}.narinfo?json", f"/{absent.hash_part}.ls")
            for target in (*targets, absent.url, f"/serve/{absent.hash_part}", f"/log/{absent.base_name}"):
                assert ask(prefix + target) == 404, prefix + target
        assert ask(f"/hydra/log/{built.base_name}") == b"building"
        assert ask(f"/log/{'2' * 32}-built.drv") == 404
        assert b"Priority: 20" in server.get("/nix-cache-info")
        assert b"Priority: 10" in server.get("/hydra/nix-cache-info")
    finally:
        server.close()
