"""Rehearses an event: everything from its file to the proof."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from . import clients, internet
from .boot import in_parallel, put_up, standing
from .command import RehearsalError
from .containers import Containers, File
from .event import Event, find_event_file, load_event
from .image import bare_layer, base_layer
from .inventory import Inventory, ansible_environment, drop_others, fingerprint, read_inventory, write_overlay
from .namespaces import find_holder
from .overlay import make_overlay
from .paths import CHECKOUT, State
from .plan import Container, Plan, plan_event
from .preflight import check_machine
from .replace import Replacement
from .ssh import connection
from .steps import Steps
from .world import World, make_world

REWIRED = (
    "the event's hosts, cables, networks or uplinks were changed since it was put up. "
    "What stands is wired as it was; `make rehearsal` puts it up anew."
)


@dataclass
class Rehearsal:
    """The rehearsal of one event."""

    state: State
    source: Path
    """The event's inventory, as Ansible takes it: a folder, or the event file."""
    event: Event
    plan: Plan
    steps: Steps

    def put_up(self, *, bare: bool = False) -> None:
        """Put the event up, unconfigured; `bare`: on hosts without the packages of our services."""
        if find_holder(self.state) is None:
            check_machine(self.state.cache, len(self.plan.containers))
        with self.steps.step("Read the event"):
            inventory = self.read_inventory()
        with self.steps.step("Base image"):
            base = base_layer(self.state.cache)
            host_layers = [bare_layer(base), base] if bare else [base]
        assert self.plan.outside
        with self.steps.step("World outside"):
            world = make_world(self.state.cache, base, self.plan.outside)
        trusting = [world.trust, base]
        layers = {"host": [world.trust, *host_layers], "client": trusting, "outside": [world.cache, *trusting]}
        with self.steps.step(f"Boot {len(self.plan.containers)} containers"):
            files = {container.name: self._files(container, world) for container in self.plan.containers}
            containers = put_up(self.state, self.plan, layers, files)
        with self.steps.step("Start the internet"):
            self._start_unmanaged(containers)
        self.state.upstream.write_text(json.dumps(world.upstream))
        self.write_inventory(inventory)

    def configure(self, options: Sequence[str] = ()) -> None:
        """Run playbooks/site.yml; then plug in the clients."""
        with self.steps.step("playbooks/site.yml"):
            self.ansible(["ansible-playbook", str(CHECKOUT / "playbooks" / "site.yml"), *options])
        if not {"--check", "-C"} & set(options) and not self.is_rewired:
            with self.steps.step("Plug in the clients"):
                clients.connect(standing(self.state), self.plan, self.state.secrets / "tls" / "ca.crt")

    def prove(self, options: Sequence[str] = ()) -> None:
        """Run playbooks/verify.yml, of which only changes, mistakes and the table are shown."""
        if not self.plan.of_kind("client"):
            print("No network has a pool, so there is no client that could ask: nothing is proven", flush=True)
            return
        quiet = {f"ANSIBLE_DISPLAY_{what}_HOSTS": "false" for what in ("OK", "SKIPPED")}
        with self.steps.step("playbooks/verify.yml"):
            self.ansible(["ansible-playbook", str(CHECKOUT / "playbooks" / "verify.yml"), *options], quiet)

    def ansible(self, command: Sequence[str], settings: Mapping[str, str] | None = None) -> None:
        """Run a program with the rehearsal's inventory and secrets; its output is shown as it comes.

        `settings` are environment variables that hold unless the user's environment says otherwise.
        """
        self.require_whole()
        self._refresh_overlay()
        environment = {**(settings or {}), **ansible_environment(self.state)}
        environment["ANSIBLE_INVENTORY"] = f"{self.source},{self.state.inventory}"
        exit_code = subprocess.run(command, env=environment, check=False).returncode
        if exit_code != 0:
            hint = f"\n{REWIRED}" if self.is_rewired else ""
            raise RehearsalError(f"{' '.join(command)} ended with exit code {exit_code}; see above{hint}")

    def require_whole(self) -> None:
        """Raise RehearsalError unless the event stands, put up to the end by this version of the rehearsal."""
        standing(self.state)
        if not self.state.sources.exists():
            raise RehearsalError(f"the rehearsal {self.state.name!r} was not put up to its end; put it up again")

    @property
    def is_rewired(self) -> bool:
        """Whether the event's wiring is another one than what stands."""
        return self.state.wiring.read_text() != self.plan.digest

    def _refresh_overlay(self) -> None:
        """Write the overlay anew if the event, its inventory or the compiler were changed since it was written."""
        if self.is_rewired:
            print(f"Warning: {REWIRED}", file=sys.stderr, flush=True)
        if self.state.sources.read_text() != fingerprint(self.source):
            self.write_inventory(self.read_inventory())

    def read_inventory(self) -> Inventory:
        """Return the event's inventory with the clients."""
        return read_inventory(self.state, self.source, [client.name for client in self.plan.of_kind("client")])

    def replacements(self) -> list[Replacement]:
        """Return what was replaced when the overlay was written."""
        return [Replacement(**entry) for entry in json.loads(self.state.replaced.read_text())]

    def pages(self) -> dict[str, list[str]]:
        """Return the URLs that each client can open."""
        pages: dict[str, list[str]] = json.loads(self.state.pages.read_text())
        return pages

    def _files(self, container: Container, world: World) -> Mapping[str, File]:
        if container.kind == "client":
            return internet.client_files()
        if container.kind == "outside":
            assert self.plan.outside
            pairs = [file for file in world.certificates.iterdir() if file.stem != "ca"]
            tls = {f"{internet.TLS_FOLDER}/{file.name}": File(file.read_text(), 0o600) for file in pairs}
            return {**internet.internet_files(self.plan.outside, self.plan.cables), **tls}
        return {}

    def _start_unmanaged(self, containers: Containers) -> None:
        services = {"client": internet.CLIENT_SERVICES, "outside": internet.INTERNET_SERVICES}

        def start(container: Container) -> None:
            containers.execute(container.name, ["systemctl", "enable", "--quiet", "--now", *services[container.kind]])

        in_parallel(start, self.plan.of_kind(*services))

    def write_inventory(self, inventory: Inventory) -> None:
        """Write the overlay, what was replaced in it, and what clients can open; upstream's facts must be there."""
        sources = fingerprint(self.source)
        upstream = json.loads(self.state.upstream.read_text())
        names = [container.name for container in self.plan.of_kind("host", "client")]
        logins = {name: connection(self.state, name, inventory.variables[name]) for name in names}
        overlay = make_overlay(self.event, self.plan, inventory, upstream, logins)
        write_overlay(self.state, overlay.groups, overlay.variables)
        drop_others(self.state, names)
        self.state.replaced.write_text(json.dumps([asdict(entry) for entry in overlay.report]))
        self.state.pages.write_text(json.dumps(overlay.pages))
        self.state.sources.write_text(sources)


def open_rehearsal(state: State, source: Path) -> Rehearsal:
    """Return the rehearsal of an inventory."""
    event = load_event(find_event_file(source))
    return Rehearsal(state, source, event, plan_event(event), Steps(state.times))
