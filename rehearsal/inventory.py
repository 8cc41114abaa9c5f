"""Asks Ansible for the hosts' variables, and writes the overlay of the inventory that makes them fit the containers."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .command import run
from .event import find_event_file
from .paths import CHECKOUT, State

HERE = Path(__file__).parent
PLUGINS = HERE / "inventory_plugins"
HEADER = "# Written by the rehearsal, and again each time it is put up. It goes after the event's own inventory.\n"


class Unsafe(str):
    """Text that Ansible must not take for a template: what its inventory plugins read from an event file."""

    __slots__ = ()


class OverlayDumper(yaml.SafeDumper):
    """Writes variables as Ansible reads them."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write everything out: aliases are hard to read."""
        return True


OverlayDumper.add_representer(Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text)))


def ansible_environment(state: State) -> dict[str, str]:
    """Return the environment of Ansible's programs in a rehearsal: its secrets are never the event's own."""
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return os.environ | {
        "PATH": programs,
        "ANSIBLE_CONFIG": os.environ.get("ANSIBLE_CONFIG", str(CHECKOUT / "ansible.cfg")),
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
        "ANSIBLE_INVENTORY_PLUGINS": ":".join(
            filter(None, (str(PLUGINS), os.environ.get("ANSIBLE_INVENTORY_PLUGINS")))
        ),
        "NIXVEGAS_NOC_SECRETS": str(state.secrets),
    }


@dataclass(frozen=True)
class Inventory:
    """An event's inventory as Ansible reads it."""

    hosts: frozenset[str]
    clients: frozenset[str]
    """Hosts in the group `clients`, the rehearsal's own included."""
    variables: Mapping[str, Mapping[str, Any]]
    """By host, overrides of the user included."""


def read_inventory(state: State, source: Path, clients: Sequence[str]) -> Inventory:
    """Return the hosts of an inventory and of the rehearsal's clients, with their variables.

    Raises RehearsalError with Ansible's words if the event file has mistakes.
    """
    hint = f"Ansible cannot read the inventory {source}."
    _write(state.clients, {"clients": {"hosts": {name: {} for name in clients}}})
    command: list[str | Path] = ["ansible-inventory", "-i", source, "-i", state.clients, "--list"]
    text = run(command, environment=ansible_environment(state), hint=hint)
    tree: dict[str, Any] = json.loads(text, object_hook=_unwrap)
    variables: dict[str, dict[str, Any]] = tree.pop("_meta")["hostvars"]
    hosts = {host for group in tree.values() for host in group.get("hosts", ())}
    visiting = frozenset(tree["clients"].get("hosts", ()))
    return Inventory(frozenset(hosts), visiting, {host: variables.get(host, {}) for host in hosts})


def fingerprint(source: Path) -> str:
    """Return a text that differs when a file of an event or of its compiler was changed, added or removed."""
    plugins = CHECKOUT / "plugins"
    roots = [plugins / "inventory", plugins / "plugin_utils", HERE]
    roots += [source] if source.is_dir() else [source.parent / "group_vars", source.parent / "host_vars"]
    files = [path for root in roots for path in root.rglob("*") if path.suffix != ".pyc" and path.is_file()]
    changes = sorted((str(path), path.stat().st_mtime_ns) for path in {*files, find_event_file(source)})
    return hashlib.sha256(repr(changes).encode()).hexdigest()


def _unwrap(item: dict[str, Any]) -> Any:
    return Unsafe(item["__ansible_unsafe"]) if item.keys() == {"__ansible_unsafe"} else item


def write_overlay(
    state: State, groups: Mapping[str, Iterable[str]], variables: Mapping[str, Mapping[str, Any]]
) -> None:
    """Write the overlay: hosts.yml with its groups, and a file of variables for each host."""
    tree: dict[str, Any] = {group: {"hosts": {host: {} for host in hosts}} for group, hosts in groups.items()}
    _write(state.inventory / "hosts.yml", tree)
    for host, values in variables.items():
        _write(state.inventory / "host_vars" / f"{host}.yml", values)


def drop_others(state: State, hosts: Iterable[str]) -> None:
    """Add to the overlay that no other hosts are left of the event's inventory, and that localhost is this machine."""
    # Read after hosts.yml, because the files of a folder are read in the order of their names.
    _write(state.inventory / "nothing_else.yml", {"plugin": "nothing_else", "hosts": list(hosts)})
    _write(state.inventory / "host_vars" / "localhost.yml", {"ansible_connection": "local"})


def _write(file: Path, data: Mapping[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(HEADER + yaml.dump(dict(data), Dumper=OverlayDumper, sort_keys=False))
