# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Imports pulled paths into the local store, references first, through Nix's daemon."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Protocol

from ..metrics import Metrics
from ..path_info import PathInfo
from ..views import View
from .daemon import Daemon, DaemonError
from .spooled import Reader

LOGGER = logging.getLogger("nar_server")
# As Nix says it: "lacks a valid signature", in later versions "lacks a signature by a trusted key".
_UNSIGNED = "because it lacks a "
_UNSIGNED_HINT = "; its trusted-public-keys must name the upstream's key"


class Source(Protocol):
    """Where NARs come from."""

    async def fetch(self, view: View, hash_part: str) -> tuple[PathInfo, Reader] | None:
        """The whole NAR of a path, or None."""


class Importer:
    """Adds paths one after the other; each once at a time in this process, and the daemon locks them against others."""

    def __init__(self, socket: Path, metrics: Metrics) -> None:
        self._socket = socket
        self._metrics = metrics
        self._turn = asyncio.Semaphore(1)
        self._running: dict[str, asyncio.Future[bool]] = {}
        # Which path's import another one waits for now, by their hash parts.
        self._waits: dict[str, str] = {}

    async def add(self, source: Source, view: View, info: PathInfo) -> bool:
        """Import a path and what it refers to; whether it is in the store now. Never raises."""
        hash_part = info.path.hash_part
        if hash_part not in self._running:
            self._running[hash_part] = asyncio.ensure_future(self._add(source, view, hash_part))
            self._running[hash_part].add_done_callback(lambda _done: self._running.pop(hash_part))
        return await self._running[hash_part]

    async def _add(self, source: Source, view: View, hash_part: str) -> bool:
        fetched = await source.fetch(view, hash_part)
        if fetched is None:
            LOGGER.error("%s is not imported: no upstream gave it", hash_part)
            self._metrics.add("nar_server_imports_total", outcome="failure")
            return False
        info, reader = fetched
        outcome = "failure"
        try:
            if await self._is_valid(view, info):
                outcome = "present"
                return True
            for reference in info.references:
                if reference == info.path:
                    continue
                other = PathInfo(reference, b"", 0)
                if not await self._is_valid(view, other) and not await self._add_first(source, view, info, other):
                    LOGGER.error("%s is not imported: it refers to %s, which is not in the store", info.path, reference)
                    return False
            async with self._turn:
                daemon = await Daemon.connect(self._socket)
                try:
                    await daemon.add(info, view.store.directory, reader.descriptor)
                finally:
                    daemon.close()
            outcome = "imported"
        except (DaemonError, OSError, asyncio.TimeoutError) as problem:  # noqa: UP041
            hint = _UNSIGNED_HINT if _UNSIGNED in str(problem) else ""
            LOGGER.error("%s is not imported: Nix's daemon at %s: %s%s", info.path, self._socket, problem, hint)
            return False
        else:
            return True
        finally:
            reader.close()
            self._metrics.add("nar_server_imports_total", outcome=outcome)

    async def _add_first(self, source: Source, view: View, info: PathInfo, reference: PathInfo) -> bool:
        """Import a reference while the path waits; False for one that waits for the path: it would be for ever."""
        hash_part = info.path.hash_part
        awaited: str | None = reference.path.hash_part
        while awaited not in (None, hash_part):
            awaited = self._waits.get(awaited)
        if awaited == hash_part:
            LOGGER.error("%s and %s refer to each other in a circle, as no paths of Nix do", info.path, reference.path)
            return False
        self._waits[hash_part] = reference.path.hash_part
        try:
            return await self.add(source, view, reference)
        finally:
            del self._waits[hash_part]

    async def _is_valid(self, view: View, info: PathInfo) -> bool:
        async with self._turn:
            daemon = await Daemon.connect(self._socket)
            try:
                return await daemon.is_valid(info.path, view.store.directory)
            finally:
                daemon.close()
