# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: event
short_description: The whole inventory of an event, from one file
version_added: 0.1.0
author:
  - The Nix Vegas NOC (@NixVegas)
description:
  - Reads a file named C(event.yml) that describes an event (networks, hosts, uplinks, caches, who may reach what), and
    compiles it to a group for each host class, the group C(managed) of all hosts and, for every host, the variables of
    its roles.
  - All mistakes of the file are reported at once, each with its line, key path, value and what would be right.
  - Whatever is compiled can be overridden in C(group_vars) and C(host_vars) beside the file. The compiled variables of
    host C(NAME) belong to a group of its own, C(vars_NAME), of the lowest priority.
  - Ansible asks this plugin about a file that is not YAML only if C(enable_plugins) in section C(inventory) of
    C(ansible.cfg) names it. Without that the playbooks fail by P(nixvegas.noc.event_hosts#lookup).
  - The keys of the file are described in C(docs/event-file.md) of the collection.
options:
  plugin:
    description: Marks the file as one for this plugin.
    required: true
    choices: [nixvegas.noc.event]
  secrets_dir:
    description:
      - Folder of the controller where the event's secrets are kept, and made when they are missing.
      - A relative path is relative to the event file.
      - The environment variable wins over the file, so that a rehearsal keeps its secrets apart from the event's own.
    type: str
    default: .secrets
    env:
      - name: NIXVEGAS_NOC_SECRETS
"""

EXAMPLES = r"""
# inventories/mine/event.yml; then: ansible-inventory -i inventories/mine --graph
plugin: nixvegas.noc.event
name: dc33
domain: dc.nixos.lv
networks:
  noc: {cidr: 10.4.0.0/24, pool: 10.4.0.128-10.4.0.254, exit: adamantia}
# and so on: see inventories/dc33/event.yml of the collection
"""

from pathlib import Path
from typing import Any

from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.inventory import BaseInventoryPlugin
from ansible_collections.nixvegas.noc.plugins.plugin_utils.event import (
    EventError,
    Inventory,
    SecretPaths,
    compile_event,
)
from ansible_collections.nixvegas.noc.plugins.plugin_utils.event.schema import MANAGED
from ansible_collections.nixvegas.noc.plugins.plugin_utils.event_file import FILE_NAMES, read_event

LOWEST_PRIORITY = 0


class InventoryModule(BaseInventoryPlugin):
    """Reads an event file."""

    NAME = "nixvegas.noc.event"

    def verify_file(self, path: str) -> bool:
        """Whether the file's name says that it describes an event; `parse` says why one cannot be read."""
        return Path(path).name in FILE_NAMES

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        """Compile the event file at `path` into `inventory`."""
        super().parse(inventory, loader, path, cache)
        file = Path(path)
        # Ansible takes an exception for "not my file": it asks its other plugins, shows their complaints below ours and
        # runs on without hosts, exit status 0. A file that is ours and wrong must stop everything, readably.
        try:
            event = read_event(file)
        except EventError as error:
            raise SystemExit(error.report) from error
        managed = self.inventory.groups.get(MANAGED)
        if managed and managed.get_hosts():
            raise SystemExit(f"{file}: a second event; a run is about one: name its folder with -i")
        # Not _read_config_data, which would read the file once more, without line numbers.
        self.set_options(direct={"plugin": self.NAME})
        secrets_dir, origin = self.get_option_and_origin("secrets_dir")
        if origin == "default" and event.secrets_dir:
            secrets_dir = event.secrets_dir
        paths = SecretPaths(file.parent / Path(secrets_dir).expanduser())
        fill(self.inventory, compile_event(event, paths))


def fill(inventory: InventoryData, compiled: Inventory) -> None:
    """Put a compiled event into Ansible's inventory.

    Variables of a host set by an inventory plugin win over all group_vars files. Those of a group lose to group_vars
    and host_vars files, therefore every host's variables are given to a group that has this host only.
    """
    for name, hosts in compiled.groups.items():
        inventory.add_group(name)
        for host in hosts:
            inventory.add_host(host, group=name)
    for host, variables in compiled.hosts.items():
        group = inventory.add_group(f"vars_{host.replace('-', '_')}")
        inventory.add_host(host, group=group)
        set_variables(inventory, group, {"ansible_group_priority": LOWEST_PRIORITY, **variables})
    set_variables(inventory, inventory.add_group("clients"), compiled.clients)
    set_variables(inventory, "all", compiled.everybody)
    # The localhost that Ansible has anyway: one that is added would be a host of the event, in plays on all of them.
    controller = inventory.get_host("localhost")
    for name, value in compiled.controller.items():
        controller.set_variable(name, value)


def set_variables(inventory: InventoryData, group: str, variables: dict[str, Any]) -> None:
    """Give a group its variables."""
    for name, value in variables.items():
        inventory.set_variable(group, name, value)
