"""Leaves nothing in an inventory but the hosts of a rehearsal: what has no container must not be contacted."""

from __future__ import annotations

from typing import Any

from ansible.plugins.inventory import BaseInventoryPlugin

DOCUMENTATION = """
name: nothing_else
short_description: Removes all hosts that are not listed
description: Comes after all other sources of an inventory and removes from it every host that is not in O(hosts).
options:
  plugin:
    description: V(nothing_else).
    type: str
    required: true
  hosts:
    description: The names of the hosts that stay.
    type: list
    elements: str
    required: true
"""


class InventoryModule(BaseInventoryPlugin):  # type: ignore[misc]  # Ansible has no types
    """Removes hosts; it adds none."""

    NAME = "nothing_else"

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Remove from the inventory read so far what is not listed."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        staying = set(self.get_option("hosts"))
        for host in [host for name, host in inventory.hosts.items() if name not in staying]:
            inventory.remove_host(host)
        controller = inventory.localhost
        if controller and not controller.implicit and controller.name not in staying:
            # One of the user's own may be any machine: Ansible takes this one, with what the event says of it.
            inventory.localhost = None
            for name, value in controller.vars.items():
                if not name.startswith("ansible_"):
                    inventory.get_host("localhost").set_variable(name, value)
