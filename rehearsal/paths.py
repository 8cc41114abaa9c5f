"""Where the rehearsal keeps its files: all below one cache folder of the checkout, and nothing elsewhere."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
COLLECTIONS = CHECKOUT / ".cache" / "collections"


def cache_folder() -> Path:
    """Return the folder of all rehearsals: $NIXVEGAS_NOC_CACHE, or .cache/rehearsal of the checkout."""
    return Path(os.environ.get("NIXVEGAS_NOC_CACHE") or CHECKOUT / ".cache" / "rehearsal").absolute()


@dataclass(frozen=True)
class State:
    """The files of one rehearsal."""

    cache: Path
    name: str

    @property
    def folder(self) -> Path:
        """Everything of this rehearsal; removed by `down`."""
        return self.cache / "events" / self.name

    @property
    def lock(self) -> Path:
        """Held while a command changes this rehearsal; outlives `down`."""
        return self.cache / "locks" / self.name

    @property
    def holder(self) -> Path:
        """Process id and start time of the process that holds the namespaces."""
        return self.folder / "holder.json"

    @property
    def plan(self) -> Path:
        """Digest of what was put up."""
        return self.folder / "plan"

    @property
    def wiring(self) -> Path:
        """Digest of the plan alone: what an event file says of machines, networks and cables."""
        return self.folder / "wiring"

    @property
    def sources(self) -> Path:
        """Fingerprint of the files that the inventory overlay was made of."""
        return self.folder / "sources"

    @property
    def upstream(self) -> Path:
        """What is in the upstream cache outside, and who signed it."""
        return self.folder / "upstream.json"

    @property
    def pages(self) -> Path:
        """URLs that each client can open, for the summary."""
        return self.folder / "pages.json"

    @property
    def replaced(self) -> Path:
        """What was replaced, for the summary."""
        return self.folder / "replaced.json"

    @property
    def times(self) -> Path:
        """How long each step took."""
        return self.folder / "times.json"

    @property
    def hosts(self) -> Path:
        """One folder a container: what it changed of its image."""
        return self.folder / "hosts"

    @property
    def clients(self) -> Path:
        """An inventory of the clients alone, in a folder without other inventories."""
        return self.folder / "clients" / "clients.yml"

    @property
    def inventory(self) -> Path:
        """The inventory overlay."""
        return self.folder / "inventory"

    @property
    def secrets(self) -> Path:
        """The rehearsal's own keys and certificates, never the event's real ones."""
        return self.folder / "secrets"

    @property
    def ssh(self) -> Path:
        """The key that logs in to the containers, and their host keys."""
        return self.folder / "ssh"

    @property
    def identity(self) -> str:
        """A short name that no other rehearsal on this machine has."""
        return hashlib.sha256(str(self.folder).encode()).hexdigest()[:8]

    @property
    def sockets(self) -> Path:
        """Ansible's SSH control sockets: a short path, because a socket's may have 108 bytes only."""
        return Path("/run/nixvegas-rehearsal") / self.identity
