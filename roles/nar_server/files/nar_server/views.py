# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Views: what binary caches this server is, and which of them a request is for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .config import MAIN, Config, StoreConfig, UpstreamConfig, ViewConfig
from .database import Database
from .key_files import load_signing_keys
from .keys import PublicKey
from .policy import Mode, Paths, SigningPolicy
from .signing import Signer, Verifier
from .store_path import StorePath


@dataclass(frozen=True, slots=True)
class Store:
    """A store that is served: ``directory`` as clients know it, ``real`` where its paths are on this disk.

    ``imports``: paths pulled through may be added to it.
    """

    name: str
    directory: str
    real: bytes
    logs: bytes
    database: Database
    imports: bool = False

    @classmethod
    def of(cls, name: str, config: StoreConfig) -> Store:
        """The store a configuration describes. Its database is opened by the first question."""
        database = Database(config.database, config.directory)
        real, logs = os.fsencode(config.real), os.fsencode(config.logs)
        # The daemon's store is the one that the file's own options describe.
        return cls(name, config.directory, real, logs, database, imports=name == MAIN)

    def real_path(self, path: StorePath) -> bytes:
        """Where a store path is on this disk."""
        return self.real + b"/" + os.fsencode(str(path))


@dataclass(frozen=True, slots=True)
class View:
    """A binary cache over one store. ``public_keys`` are those it signs with."""

    name: str
    prefix: str
    hosts: frozenset[str]
    store: Store
    policy: SigningPolicy
    priority: int
    public_keys: tuple[PublicKey, ...]
    upstreams: tuple[UpstreamConfig, ...] = ()

    @classmethod
    def of(cls, config: ViewConfig, store: Store, upstreams: Iterable[UpstreamConfig]) -> View:
        """The view a configuration describes. Raises ConfigError or KeyFormatError when a key cannot be used."""
        signers = [Signer(key) for key in load_signing_keys(config.signing_key_files)]
        asked = tuple(upstream for upstream in upstreams if upstream.name in config.upstreams)
        # What an upstream may give, its key also vouches for once it is in the store.
        trusted = [*config.trusted_public_keys, *(key for upstream in asked for key in upstream.public_keys)]
        policy = SigningPolicy(
            Mode(config.policy),
            store.directory,
            signers,
            [Verifier(key) for key in dict.fromkeys(trusted)],
            Paths(config.paths),
        )
        keys = tuple(signer.public for signer in signers) if config.policy != Mode.NONE.value else ()
        return cls(config.name, config.prefix, frozenset(config.hosts), store, policy, config.priority, keys, asked)


def _host_name(host: str) -> str:
    # The dot says that a name is whole (RFC 3986, 3.2.2). An address in brackets is no view's name.
    return host.lower().partition(":")[0].removesuffix(".")


class Views:
    """All views of a server, over their stores."""

    def __init__(self, views: Iterable[View]) -> None:
        # What is more special comes first: a view of this host, then the longest prefix.
        self._views = sorted(views, key=lambda view: (not view.hosts, -len(view.prefix)))

    @classmethod
    def of(cls, config: Config) -> Views:
        """The views of a configuration. Raises ConfigError or KeyFormatError when a key cannot be used."""
        stores = {name: Store.of(name, store) for name, store in config.served_stores.items()}
        return cls(View.of(view, stores[view.store], config.upstreams) for view in config.views)

    def __iter__(self) -> Iterator[View]:
        """From the most special to the most general."""
        return iter(self._views)

    @property
    def stores(self) -> list[Store]:
        """The stores of all views, each once."""
        return list({view.store.name: view.store for view in self._views}.values())

    def find(self, host: str, target: str) -> tuple[View, str] | None:
        """The view for a request's Host and target, and the target within it; None when there is none.

        ``host`` may have a port and be in any case, as the header may.
        """
        for view in self._views:
            inside = target.startswith(f"{view.prefix}/") or target.partition("?")[0] == view.prefix
            if inside and (not view.hosts or _host_name(host) in view.hosts):
                rest = target.removeprefix(view.prefix)
                return view, rest if rest.startswith("/") else f"/{rest}"
        return None

    def close(self) -> None:
        """Let go of the databases."""
        for store in self.stores:
            store.database.close()
