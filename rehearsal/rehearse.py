"""Rehearses an event: everything from its file to the proof."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import clients, internet
from .boot import in_parallel, put_up, standing
from .command import RehearsalError
from .containers import Containers, File
from .event import Event, find_event_file, load_event
from .image import bare_layer, base_layer
from .inventory import ansible_environment, read_variables, write_overlay
from .namespaces import find_holder
from .paths import CHECKOUT, State
from .plan import Container, Plan, plan_event
from .preflight import check_machine
from .replace import Replacement, replace, replace_texts
from .ssh import connection
from .steps import Steps
from .world import PROGRAM, PROGRAM_OUTPUT, World, make_world


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
            names = [client.name for client in self.plan.of_kind("client")]
            variables = read_variables(self.state, self.source, names)
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
        self._write_overlay(variables, world)

    def configure(self, options: Sequence[str] = ()) -> None:
        """Run playbooks/site.yml; then plug in the clients."""
        with self.steps.step("playbooks/site.yml"):
            self.ansible(["ansible-playbook", str(CHECKOUT / "playbooks" / "site.yml"), *options])
        if not {"--check", "-C"} & set(options):
            with self.steps.step("Plug in the clients"):
                clients.connect(standing(self.state), self.plan, self.state.secrets / "tls" / "ca.crt")

    def prove(self, options: Sequence[str] = ()) -> None:
        """Run playbooks/verify.yml."""
        with self.steps.step("playbooks/verify.yml"):
            self.ansible(["ansible-playbook", str(CHECKOUT / "playbooks" / "verify.yml"), *options])

    def ansible(self, command: Sequence[str]) -> None:
        """Run a program with the rehearsal's inventory and secrets; its output is shown as it comes."""
        standing(self.state)
        environment = ansible_environment(self.state)
        environment["ANSIBLE_INVENTORY"] = f"{self.source},{self.state.inventory}"
        exit_code = subprocess.run(command, env=environment, check=False).returncode
        if exit_code != 0:
            raise RehearsalError(f"{' '.join(command)} ended with exit code {exit_code}; see above")

    def replacements(self) -> list[Replacement]:
        """Return what was replaced when the overlay was written."""
        return [Replacement(**entry) for entry in json.loads(self.state.replaced.read_text())]

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

    def _write_overlay(self, variables: Mapping[str, Mapping[str, Any]], world: World) -> None:
        assert self.plan.outside
        upstream = world.upstream
        keys = {u.key: upstream["public_keys"][u.key.split(":")[0]] for u in self.plan.outside.upstreams}
        replaced = replace(self.event, {host: variables[host] for host in self.event.ports}, keys)
        managed, visiting = self.plan.of_kind("host", "client"), self.plan.of_kind("client")
        groups = {
            "all": [container.name for container in managed],
            "clients": [client.name for client in visiting],
        }
        own: dict[str, dict[str, Any]] = {
            container.name: {**connection(self.state, container.name), **replaced.variables.get(container.name, {})}
            for container in managed
        }
        for client in visiting:
            own[client.name] |= {"verify_network": client.network, **replace_texts(variables[client.name], keys)}
        proof: dict[str, Any] = {"verify_address_page": self.plan.outside.address_page, "verify_failover": True}
        if self.plan.outside.upstreams:
            proof |= {
                "verify_upstream_closure": upstream["root"],
                "verify_upstream_program": f"{upstream['root']}/bin/{PROGRAM}",
                "verify_upstream_output": PROGRAM_OUTPUT,
            }
        write_overlay(self.state, groups, own, proof)
        self.state.replaced.write_text(json.dumps([asdict(entry) for entry in replaced.report]))


def open_rehearsal(state: State, source: Path) -> Rehearsal:
    """Return the rehearsal of an inventory."""
    event = load_event(find_event_file(source))
    return Rehearsal(state, source, event, plan_event(event), Steps(state.times))
