"""What the stand-in internet is filled with, made once per set of upstream caches: store paths, keys, certificates."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import certificates
from .certificates import make_certificates
from .debian import image_key
from .layers import change_root, make_layer, remove_tree
from .outside import Outside

UPSTREAM = Path(__file__).with_name("upstream")
BUILD_FOLDER = "/root/upstream"
CACHE_FOLDER = "/srv/cache"
PROGRAM = "hello"
PROGRAM_OUTPUT = "Hello, world!"


@dataclass(frozen=True)
class World:
    """Files and facts of the stand-in internet."""

    folder: Path

    @property
    def certificates(self) -> Path:
        """ca.crt, and NAME.crt and NAME.key of each web server."""
        return self.folder / "certificates"

    @property
    def trust(self) -> Path:
        """A layer in which the world's certificate authority is trusted."""
        return self.folder / "trust"

    @property
    def cache(self) -> Path:
        """A layer with the binary cache's files in CACHE_FOLDER."""
        return self.folder / "cache"

    @property
    def upstream(self) -> Mapping[str, Any]:
        """What is in the binary cache: `root` path, its `closure`, and the `public_keys` by name."""
        facts: dict[str, Any] = json.loads((self.folder / "upstream.json").read_text())
        return facts


def make_world(cache: Path, base: Path, outside: Outside) -> World:
    """Return the world of an outside; built unless it is in the cache."""
    keys = sorted({upstream.key.split(":")[0] for upstream in outside.upstreams})
    names = sorted({site.name for site in outside.sites if site.tls})
    makers = [Path(certificates.__file__), *sorted(UPSTREAM.glob("*.*"))]
    sources = [file.read_text() for file in makers]
    folder = cache / "worlds" / image_key(base.name, *keys, *names, *sources)
    return World(make_layer(folder, lambda partial: _fill(World(partial), base, keys, names)))


def _fill(world: World, base: Path, keys: Sequence[str], names: Sequence[str]) -> None:
    make_certificates(world.certificates, names)
    authority = world.trust / "usr/local/share/ca-certificates/rehearsal-world.crt"
    authority.parent.mkdir(parents=True)
    shutil.copy(world.certificates / "ca.crt", authority)
    change_root([base], world.trust, "update-ca-certificates >/dev/null")
    workshop = world.folder / "workshop"
    shutil.copytree(UPSTREAM, workshop / BUILD_FOLDER.lstrip("/"))
    made = change_root([base], workshop, f"cd {BUILD_FOLDER} && python3 build.py {CACHE_FOLDER} {' '.join(keys)}")
    (world.folder / "upstream.json").write_text(made)
    shutil.copytree(workshop / CACHE_FOLDER.lstrip("/"), world.cache / CACHE_FOLDER.lstrip("/"))
    remove_tree(workshop)
