"""Asks Ansible for the hosts' variables, and writes the overlay of the inventory that makes them fit the containers."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from .command import run
from .paths import CHECKOUT, State

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
        "NIXVEGAS_NOC_SECRETS": str(state.secrets),
    }


def read_variables(state: State, source: Path, clients: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the variables of each host and client as Ansible would use them, overrides of the user included.

    Raises RehearsalError with Ansible's words if the event file has mistakes.
    """
    hint = f"Ansible cannot read the inventory {source}."
    _write(state.clients, {"clients": {"hosts": {name: {} for name in clients}}})
    command: list[str | Path] = ["ansible-inventory", "-i", source, "-i", state.clients, "--list"]
    text = run(command, environment=ansible_environment(state), hint=hint)
    variables: dict[str, dict[str, Any]] = json.loads(text, object_hook=_unwrap)["_meta"]["hostvars"]
    return variables


def _unwrap(item: dict[str, Any]) -> Any:
    return Unsafe(item["__ansible_unsafe"]) if item.keys() == {"__ansible_unsafe"} else item


def write_overlay(
    state: State, groups: Mapping[str, list[str]], variables: Mapping[str, Mapping[str, Any]], shared: Mapping[str, Any]
) -> None:
    """Write the overlay: hosts.yml with its groups, and a file of variables for each host and for all."""
    tree: dict[str, Any] = {group: {"hosts": {host: {} for host in hosts}} for group, hosts in groups.items()}
    _write(state.inventory / "hosts.yml", tree)
    _write(state.inventory / "group_vars" / "all.yml", shared)
    for host, values in variables.items():
        _write(state.inventory / "host_vars" / f"{host}.yml", values)


def _write(file: Path, data: Mapping[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(HEADER + yaml.dump(dict(data), Dumper=OverlayDumper, sort_keys=False))
