# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a view serves of each path, decided, rendered and signed once, for as long as its row stays the same."""

from __future__ import annotations

import logging
import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from .database import Generation
from .http import Response
from .narinfo import render_narinfo
from .path_info import MalformedRowError, PathInfo
from .policy import Decision
from .views import View

LOGGER = logging.getLogger("nar_server")
_MOST_ENTRIES = 8192


@dataclass
class Entry:
    """A path that is served: what Nix knows of it, in a store of this ``store_dir``, and where it is."""

    generation: Generation
    info: PathInfo
    decision: Decision
    real: bytes
    store_dir: str

    @cached_property
    def narinfo(self) -> Response:
        """The answer to its narinfo's request. Those who know its NAR already never ask for it, so it is made late."""
        text = render_narinfo(self.info, self.store_dir, self.decision.signatures)
        return Response(200, text.encode("utf-8", "surrogateescape"), "text/x-nix-narinfo")


class Catalogue:
    """The paths of a view, as its database has them at the moment of each question."""

    def __init__(self, view: View, at_next_turn: Callable[[Callable[[], None]], object] | None = None) -> None:
        """``at_next_turn`` has something done when other questions come than those that are there already: all of
        these are of one moment. Without it, each is of its own."""
        self._view = view
        self._at_next_turn = at_next_turn
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._generation: Generation | None = None

    def find(self, hash_part: str) -> Entry | None:
        """The path, when it is valid and on disk, be it hidden. Raises DatabaseUnavailableError."""
        # Asked for before the row: what changes between the two is looked at again the next time.
        generation = self._generation or self._ask_generation()
        entry = self._entries.get(hash_part)
        if entry is None or entry.generation != generation:
            entry = self._look_up(hash_part, entry, generation)
        if entry is None or not os.access(entry.real, os.F_OK, follow_symlinks=False):
            return None
        return entry

    def _ask_generation(self) -> Generation:
        generation = self._view.store.database.generation()
        if self._at_next_turn is not None:
            self._generation = generation
            self._at_next_turn(self._forget_generation)
        return generation

    def _forget_generation(self) -> None:
        self._generation = None

    def _look_up(self, hash_part: str, known: Entry | None, generation: Generation) -> Entry | None:
        try:
            info = self._view.store.database.lookup(hash_part)
        except MalformedRowError as problem:
            LOGGER.error("%s", problem)
            info = None
        if info is None:
            self._entries.pop(hash_part, None)
            return None
        if known is not None and known.info == info:
            known.generation = generation
            return known
        entry = self._decide(info, generation)
        self._entries[hash_part] = entry
        if len(self._entries) > _MOST_ENTRIES:
            self._entries.popitem(last=False)
        return entry

    def _decide(self, info: PathInfo, generation: Generation) -> Entry:
        store = self._view.store
        decision = self._view.policy.decide(info)
        return Entry(generation, info, decision, store.real_path(info.path), store.directory)
