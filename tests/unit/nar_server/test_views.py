"""Which view a request is for, and that views of one store do not mix."""

from __future__ import annotations

from pathlib import Path

import pytest
from nar_server.config import parse_config
from nar_server.views import Views

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
        ("[::1]:5000", "/x", "main", "/x"),
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
