# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filling the hot tier before anybody asks: ``nar-server warm``."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from .catalogue import Catalogue, Entry
from .config import Config, HotTierConfig
from .filler import Filler, yield_to_others
from .hot_tier import Source
from .nar import NarError
from .options import ConfigError
from .packs import PackError
from .store_path import StorePath
from .views import Store, View, Views

_BAR_WIDTH = 40


class Progress:
    """How far it is: a bar where somebody looks, else a line for each path. Problems are lines of their own."""

    def __init__(self, total: int, out: TextIO, err: TextIO) -> None:
        self._total = total
        self._done = 0
        self._out = out
        self._err = err
        self._bar = err.isatty()
        self._draw("")

    def done(self, path: str, outcome: str) -> None:
        """A path is in the tier."""
        self._done += 1
        if not self._bar:
            print(f"{outcome}: {path}", file=self._out, flush=True)
        self._draw(path)

    def failed(self, path: str, reason: object) -> None:
        """A path is not in the tier."""
        self._done += 1
        print(f"{self._clear}not in the hot tier: {path}: {reason}", file=self._err, flush=True)
        self._draw("")

    @property
    def _clear(self) -> str:
        return "\r\x1b[K" if self._bar else ""

    def _draw(self, path: str) -> None:
        if self._bar:
            filled = _BAR_WIDTH * self._done // max(self._total, 1)
            name = os.path.basename(path)[33:63]  # noqa: PTH119  (without its hash)
            progress = "#" * filled + "." * (_BAR_WIDTH - filled)
            self._err.write(f"{self._clear}[{progress}] {self._done}/{self._total} {name}")
            self._err.flush()

    def end(self) -> None:
        """Nothing more comes."""
        self._err.write(self._clear)
        self._err.flush()


def become_owner(tier: HotTierConfig) -> None:
    """Let root go on as whom the tier belongs to, so that the server can use and remove what is made.

    Makes the tier's folder where the one above is there. Raises ConfigError or OSError.
    """
    # Of a folder that one may not look into, this says no, where Path's raises.
    folder = tier.folder if os.path.isdir(tier.folder) else tier.folder.parent  # noqa: PTH112
    if not os.path.isdir(folder):  # noqa: PTH112
        raise ConfigError(f"hot_tier.folder: there is no {folder}; start the server once: it makes what it needs")
    owner = folder.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.setgroups([])
        os.setgid(owner.st_gid)
        os.setuid(owner.st_uid)
    with contextlib.suppress(PermissionError):
        tier.folder.mkdir(exist_ok=True)
    if not os.access(tier.folder, os.W_OK):
        raise ConfigError(f"hot_tier.folder: {tier.folder} cannot be written: run this as root or as the server's user")


def store_path(text: str, store: Store) -> StorePath | None:
    """The store path that ``text`` names or leads into, be it as clients know it or where it is; None for no such."""
    for place in (text, os.path.realpath(text)):
        for folder in (store.directory, os.fsdecode(store.real)):
            if place.startswith(f"{folder}/"):
                try:
                    return StorePath.parse(place.removeprefix(f"{folder}/").partition("/")[0])
                except ValueError:
                    continue
    return None


class Wanted:
    """What is to be warm: paths of views, each content once."""

    def __init__(self, views: Iterable[View]) -> None:
        self._catalogues = [(view, Catalogue(view)) for view in views]
        # By store and path, as clients know it.
        self.entries: dict[tuple[str, str], Entry] = {}
        # Why each of the others cannot be.
        self.unknown: dict[str, str] = {}

    def add(self, text: str, *, closure: bool) -> None:
        """Find a path, and what it needs. Raises DatabaseUnavailableError."""
        for view, catalogue in self._catalogues:
            path = store_path(text, view.store)
            if path is not None and self._find(catalogue, path) is not None:
                waiting = [path]
                while waiting:
                    waiting += self._take(view, catalogue, waiting.pop(), closure=closure)
                return
        self.unknown[text] = self._reason(text)

    def _reason(self, text: str) -> str:
        """Why no view serves what a text names."""
        hiding: list[str] = []
        leaving_out: list[str] = []
        named = False
        for view, catalogue in self._catalogues:
            path = store_path(text, view.store)
            if path is not None:
                named = True
                entry = catalogue.find(path.hash_part)
                if entry is not None and entry.info.path == path:
                    (leaving_out if entry.decision.elsewhere else hiding).append(view.name)
        if hiding:
            return f"hidden by the policy of the view {', '.join(hiding)}"
        if leaving_out:
            return f"left out by the paths of the view {', '.join(leaving_out)}"
        if named:
            return "not a valid path of the store"
        directories = dict.fromkeys(view.store.directory for view, _catalogue in self._catalogues)
        return f"no path of {' or '.join(directories)}"

    @staticmethod
    def _find(catalogue: Catalogue, path: StorePath) -> Entry | None:
        entry = catalogue.find(path.hash_part)
        return None if entry is None or entry.info.path != path or entry.decision.hidden else entry

    def _take(self, view: View, catalogue: Catalogue, path: StorePath, *, closure: bool) -> Sequence[StorePath]:
        """Note a path; those to go on with."""
        name = f"{view.store.directory}/{path}"
        key = (view.store.name, name)
        if key in self.entries:
            return ()
        entry = self._find(catalogue, path)
        if entry is None:
            self.unknown[name] = f"needed, and not served by the view {view.name}"
            return ()
        self.entries[key] = entry
        return entry.info.references if closure else ()


def read_paths(texts: Iterable[str], stdin: Iterable[str]) -> Iterator[str]:
    """The paths of a command line, with the lines of standard input in the place of ``-``."""
    for text in texts:
        if text == "-":
            yield from (line.strip() for line in stdin if line.strip())
        else:
            yield text


def warm(config: Config, names: Sequence[str], texts: Iterable[str], *, closure: bool) -> int:
    """Make the packs of these paths; the exit status: 1 when one is not there at the end.

    Raises ConfigError, KeyFormatError, OSError or DatabaseUnavailableError when nothing can be made.
    """
    tier = config.hot_tier
    if not tier.size:
        raise ConfigError("hot_tier.size is 0: there is no hot tier to fill; give it a size, and reload the server")
    become_owner(tier)
    yield_to_others()
    wanted = Wanted(view for view in Views.of(config) if not names or view.name in names)
    for text in read_paths(texts, sys.stdin):
        wanted.add(text, closure=closure)
    filler = Filler(tier.folder, tier.size, keeps=True)
    progress = Progress(len(wanted.entries) + len(wanted.unknown), sys.stdout, sys.stderr)
    made = there = 0
    for text, reason in wanted.unknown.items():
        progress.failed(text, reason)
    for (_store, name), entry in wanted.entries.items():
        try:
            new = filler.fill(Source(entry.real, entry.info.nar_hash, entry.info.nar_size))
        except (OSError, NarError, PackError) as problem:
            progress.failed(name, problem)
            continue
        made, there = made + new, there + (not new)
        progress.done(name, "made" if new else "there")
    progress.end()
    failed = len(wanted.entries) + len(wanted.unknown) - made - there
    print(f"{made} made, {there} were there, {failed} are not in the hot tier")
    return 1 if failed else 0
