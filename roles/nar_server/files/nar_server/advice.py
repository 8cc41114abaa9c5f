# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a configuration without mistakes should still be told, and what it lacks on this host."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

from .config import Config, StoreConfig


def warnings(config: Config) -> list[str]:
    """What a configuration that works should still be told."""
    found = []
    for view in config.views:
        if view.policy == "all":
            text = "policy is 'all': paths are signed that came here unsigned and that nobody vouches for"
            found.append(f"view {view.name}: {text}")
        if view.policy != "none" and not view.signing_key_files:
            text = "no signing_key_files: nothing is signed, paths leave with the signatures they came with"
            found.append(f"view {view.name}: {text}")
        if view.paths == "upstream" and not view.trusted_public_keys and not view.upstreams:
            found.append(f"view {view.name}: paths is 'upstream' and no key is trusted: it has no paths")
        found += [told for path in view.signing_key_files if (told := _readable_by_all(path))]
    pull = config.pull_through
    if config.upstreams and pull.import_to_store and not os.access(pull.daemon_socket, os.W_OK):
        found.append(f"pull_through.daemon_socket: {pull.daemon_socket} cannot be reached: nothing is imported")
    if config.upstreams and not _writable(pull.folder):
        found.append(f"pull_through.folder: {pull.folder} cannot be written: the server does not start")
    for store in config.served_stores.values():
        if not os.path.isdir(store.real):  # noqa: PTH112  (which raises nothing)
            found.append(f"{store.real}: there is no such folder: no path of this store is found")
    tier = config.hot_tier
    if tier.size and not _writable(tier.folder):
        found.append(f"hot_tier.folder: {tier.folder} cannot be written: NARs are sent without a tier")
    return list(dict.fromkeys(found))


def _readable_by_all(path: Path) -> str | None:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        # That the key cannot be used is told elsewhere.
        return None
    if not mode & stat.S_IROTH:
        return None
    return f"signing_key_files: everybody on this host can read {path} (mode {mode:04o}): chmod o= {path}"


def _writable(wanted: Path) -> bool:
    """Whether files can be made in a folder, be it made first."""
    folder = next(folder for folder in (wanted, *wanted.parents) if os.access(folder, os.F_OK))
    return folder.is_dir() and os.access(folder, os.W_OK)


def missing(module: str) -> str:
    """What to do about a module of Python that is not there."""
    top = module.partition(".")[0]
    # As Debian's Python policy names packages.
    return f"the Python module {top} is missing: apt-get install python3-{top}"


def missing_modules(config: Config) -> list[str]:
    """What a configuration needs and this host has not, an option each."""
    wanted = [("the server", "cryptography")]
    if config.upstreams:
        wanted.append(("upstreams", "aiohttp"))
    if config.zstd.level:
        wanted.append(("zstd.level", "zstandard"))
    return [f"{option}: {missing(module)}" for option, module in wanted if not _is_there(module)]


def _is_there(module: str) -> bool:
    try:
        import_module(module)
    except ModuleNotFoundError:
        return False
    return True


def of_another_folder(stores: Iterable[StoreConfig]) -> list[str]:
    """Those stores no path of which is in the folder that they are told to have, so that none is found."""
    from .database import Database, DatabaseUnavailableError  # noqa: PLC0415

    found = []
    for store in stores:
        # That it cannot be read is told elsewhere.
        with (
            contextlib.suppress(DatabaseUnavailableError),
            contextlib.closing(Database(store.database, store.directory)) as database,
        ):
            if folder := database.other_folder():
                text = f"a path of it is in {folder!r}, none in {store.directory!r}: none is found. Is store_dir right?"
                found.append(f"{store.real}: {text}")
    return found


def unreadable(stores: Iterable[StoreConfig]) -> list[str]:
    """Those stores whose database cannot be read, for another reason than that it is busy."""
    from .database import Database, DatabaseUnavailableError  # noqa: PLC0415

    found = []
    for store in stores:
        with contextlib.closing(Database(store.database, store.directory)) as database:
            try:
                database.probe()
            except DatabaseUnavailableError as problem:
                if not problem.busy:
                    found.append(f"{store.real}: {problem}")
    return found
