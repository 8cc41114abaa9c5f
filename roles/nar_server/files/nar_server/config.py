# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration file: TOML, every option with a default, every mistake reported. Options: docs/nar-server.md."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from . import options
from .keys import PublicKey
from .options import Address, ConfigError, Reader, masked, near, read_table

MAIN = "main"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """A Nix store: ``directory`` as clients know it, ``real`` where its paths are on this disk."""

    directory: str = "/nix/store"
    real: Path = Path("/nix/store")
    database: Path = Path("/nix/var/nix/db/db.sqlite")
    logs: Path = Path("/nix/var/log/nix")


@dataclass(frozen=True, slots=True)
class UpstreamConfig:
    """A cache that is asked for what is not here. Those of one ``stratum`` are asked at once, the lowest first."""

    name: str
    url: str
    public_keys: tuple[PublicKey, ...]
    stratum: int = 1


@dataclass(frozen=True, slots=True)
class ViewConfig:
    """A binary cache as clients see it: addresses below ``prefix`` on ``hosts`` (none: any), over one store."""

    name: str = MAIN
    prefix: str = ""
    hosts: tuple[str, ...] = ()
    store: str = MAIN
    paths: str = "all"
    policy: str = "vouched"
    priority: int = 30
    signing_key_files: tuple[Path, ...] = ()
    trusted_public_keys: tuple[PublicKey, ...] = ()
    upstreams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PullThroughConfig:
    """Paths of upstream caches: kept in ``folder``, ``size`` bytes at most, and imported into the store if wanted."""

    folder: Path = Path("/var/cache/nar-server")
    size: int = 20 * 2**30
    import_to_store: bool = False
    daemon_socket: Path = Path("/nix/var/nix/daemon-socket/socket")


@dataclass(frozen=True, slots=True)
class HotTierConfig:
    """Small files of NARs that were asked for, packed in ``folder``, ``size`` bytes at most; 0 for none."""

    folder: Path = Path("/var/cache/nar-server/hot")
    size: int = 0


@dataclass(frozen=True, slots=True)
class ZstdConfig:
    """NARs coded for clients that want it: at ``level``, 0 for never; ``memory``: bytes for all of them at once."""

    level: int = 0
    memory: int = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Config:
    """What the server is told. Tables are resolved: a view has its own value of each option, or the file's."""

    listen: tuple[Address, ...] = (Address("127.0.0.1", 5000),)
    title: str = "Nix binary cache"
    workers: int = field(default_factory=options.processors)
    stores: Mapping[str, StoreConfig] = field(default_factory=lambda: {MAIN: StoreConfig()})
    views: tuple[ViewConfig, ...] = (ViewConfig(),)
    upstreams: tuple[UpstreamConfig, ...] = ()
    pull_through: PullThroughConfig = PullThroughConfig()
    hot_tier: HotTierConfig = HotTierConfig()
    zstd: ZstdConfig = ZstdConfig()

    @property
    def served_stores(self) -> dict[str, StoreConfig]:
        """The stores that views serve, by name."""
        served = {view.store for view in self.views}
        return {name: store for name, store in self.stores.items() if name in served}


_STORE: Mapping[str, Reader] = {
    "store_dir": options.directory,
    "real_store_dir": options.path,
    "database": options.path,
    "log_dir": options.path,
}
_SHARED: Mapping[str, Reader] = {
    "paths": options.choice(*options.PATHS),
    "policy": options.choice(*options.MODES),
    "priority": options.priority,
    "signing_key_files": options.paths,
    "trusted_public_keys": options.public_keys,
}
_VIEW: Mapping[str, Reader] = {
    "prefix": options.prefix,
    "hosts": options.hosts,
    "store": options.text,
    "upstreams": options.names,
    **_SHARED,
}
_UPSTREAM: Mapping[str, Reader] = {
    "url": options.url,
    "public_keys": options.some_public_keys,
    "stratum": options.positive,
}
_PULL_THROUGH: Mapping[str, Reader] = {
    "folder": options.path,
    "size": options.size,
    "import_to_store": options.flag,
    "daemon_socket": options.path,
}
_HOT_TIER: Mapping[str, Reader] = {"folder": options.path, "size": options.size}
_ZSTD: Mapping[str, Reader] = {"level": options.zstd_level, "memory": options.size}
_SERVER: Mapping[str, Reader] = {"listen": options.addresses, "title": options.line, "workers": options.workers}
_TABLES: Mapping[str, Reader] = dict.fromkeys(
    ("stores", "views", "upstreams", "pull_through", "hot_tier", "zstd"), lambda value: value
)
# What may stand at the top of the file; that of stores and views is said there for all of them.
OPTIONS: Mapping[str, Reader] = {**_SERVER, **_STORE, **_SHARED, **_TABLES}
SECTIONS: Mapping[str, Mapping[str, Reader]] = {
    "stores.NAME": _STORE,
    "views.NAME": _VIEW,
    "upstreams.NAME": _UPSTREAM,
    "pull_through": _PULL_THROUGH,
    "hot_tier": _HOT_TIER,
    "zstd": _ZSTD,
}


def _tables(document: dict[str, Any], kind: str, mistakes: list[str]) -> dict[str, dict[str, Any]]:
    """The values of all tables ``[kind.NAME]``."""
    tables = document.get(kind, {})
    if not isinstance(tables, dict):
        mistakes.append(f"{kind}: write a table [{kind}.NAME] for each")
        return {}
    for name in tables:
        if not _NAME.fullmatch(name):
            mistakes.append(f"{kind}.{masked(name)}: a name has 64 letters, digits, - and _ at most")
    return {
        name: read_table(table, SECTIONS[f"{kind}.NAME"], f"{kind}.{masked(name)}.", mistakes, OPTIONS)
        for name, table in tables.items()
    }


def _store(values: Mapping[str, Any]) -> StoreConfig:
    """A store elsewhere has its database and its logs elsewhere: beside it, as Nix lays them out."""
    directory = values.get("store_dir", StoreConfig().directory)
    real = values.get("real_store_dir", Path(directory))
    return StoreConfig(
        directory=directory,
        real=real,
        database=values.get("database", real.parent / "var/nix/db/db.sqlite"),
        logs=values.get("log_dir", real.parent / "var/log/nix"),
    )


def _view(
    name: str, values: Mapping[str, Any], stores: Mapping[str, Any], upstreams: Mapping[str, Any], mistakes: list[str]
) -> ViewConfig:
    view = ViewConfig(name, **{"upstreams": (), **values})
    if view.store not in stores:
        mistakes.append(f"views.{name}.store: there is no [stores.{masked(view.store)}]; {near(view.store, stores)}")
    for unknown in [upstream for upstream in view.upstreams if upstream not in upstreams]:
        there = near(unknown, upstreams)
        mistakes.append(f"views.{name}.upstreams: there is no [upstreams.{masked(unknown)}]; {there}")
    if view.paths == "built" and view.upstreams:
        mistakes.append(f"views.{name}.upstreams: a view of what was built here asks no upstream")
    return view


def _clash(one: ViewConfig, other: ViewConfig) -> bool:
    """Whether a request could be for either view."""
    same_host = set(one.hosts) & set(other.hosts) or one.hosts == other.hosts
    return one.prefix == other.prefix and bool(same_host)


def parse_config(text: str) -> Config:
    """The configuration a TOML text holds. Raises ConfigError naming every mistake."""
    try:
        document = tomllib.loads(text)
    except ValueError as problem:
        # Not only TOMLDecodeError: Python refuses integers of very many digits.
        raise ConfigError(f"it is not valid TOML: {masked(str(problem))}") from problem
    except RecursionError:
        raise ConfigError("it is nested too deep") from None
    mistakes: list[str] = []
    top = read_table(document, OPTIONS, "", mistakes)
    more_stores = _tables(document, "stores", mistakes)
    stores = {**more_stores, MAIN: top}
    upstreams = _tables(document, "upstreams", mistakes)
    views = _tables(document, "views", mistakes) or {MAIN: {}}
    pull_through = read_table(document.get("pull_through", {}), _PULL_THROUGH, "pull_through.", mistakes, OPTIONS)
    hot_tier = read_table(document.get("hot_tier", {}), _HOT_TIER, "hot_tier.", mistakes, OPTIONS)
    zstd = read_table(document.get("zstd", {}), _ZSTD, "zstd.", mistakes, OPTIONS)
    for name in upstreams:
        table = document["upstreams"][name]
        missing = [key for key in ("url", "public_keys") if isinstance(table, dict) and key not in table]
        mistakes += [f"upstreams.{masked(name)}.{key}: it is missing" for key in missing]
    if MAIN in more_stores:
        mistakes.append(f"stores.{MAIN}: what is said of this store stands at the top of the file")
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    shared = {name: top[name] for name in _SHARED if name in top}
    resolved = []
    for name, values in views.items():
        own = {**shared, **values}
        if own.get("paths") == "built":
            # Keys of upstreams say nothing of what was built here; those of its builders stand in the view itself.
            own["trusted_public_keys"] = values.get("trusted_public_keys", ())
        own.setdefault("upstreams", () if own.get("paths") == "built" else tuple(upstreams))
        resolved.append(_view(name, own, stores, upstreams, mistakes))
    for one, other in combinations(resolved, 2):
        if _clash(one, other):
            where = f"{one.prefix or '/'} on {', '.join(sorted({*one.hosts} & {*other.hosts})) or 'all hosts'}"
            mistakes.append(f"views.{other.name}: {where} is views.{one.name}: give it another prefix or host")
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return Config(
        **{name: top[name] for name in _SERVER if name in top},
        stores={name: _store(values) for name, values in stores.items()},
        views=tuple(resolved),
        upstreams=tuple(UpstreamConfig(name, **values) for name, values in upstreams.items()),
        pull_through=PullThroughConfig(**pull_through),
        hot_tier=HotTierConfig(**hot_tier),
        zstd=ZstdConfig(**zstd),
    )


def load_config(path: Path) -> Config:
    """The configuration in a file. Raises ConfigError, its lines beginning with the file's name."""
    try:
        return parse_config(path.read_text(encoding="utf-8-sig"))
    except OSError as problem:
        raise ConfigError(f"{path}: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise ConfigError(
            f"{path}: it is not UTF-8: byte {problem.start} is {problem.object[problem.start]:#04x}"
        ) from problem
    except ConfigError as problem:
        raise ConfigError("\n".join(f"{path}: {line}" for line in str(problem).splitlines())) from problem
