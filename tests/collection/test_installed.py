"""What a user who installed the collection from its tarball can do with it, from a folder that is not the checkout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import CHECKOUT, Command

PLUGIN_FOLDERS = {"modules": "module", "inventory": "inventory", "filter": "filter", "lookup": "lookup"}
ROLES = sorted(path.name for path in (CHECKOUT / "roles").iterdir() if path.is_dir())


def plugins(folder: str) -> list[str]:
    """Names of the plugins of one kind."""
    return sorted(path.stem for path in (CHECKOUT / "plugins" / folder).glob("*.py"))


@pytest.mark.parametrize("folder", [folder for folder in PLUGIN_FOLDERS if folder != "filter"])
def test_plugins_have_documentation(elsewhere: Command, folder: str) -> None:
    """``ansible-doc`` shows every module, inventory and lookup plugin, with examples and their author."""
    names = [f"nixvegas.noc.{name}" for name in plugins(folder)]
    shown = json.loads(elsewhere(["ansible-doc", "--json", "--type", PLUGIN_FOLDERS[folder], *names]))
    assert sorted(shown) == names
    for name, found in shown.items():
        assert found["doc"]["short_description"], name
        assert found["examples"], name


def test_filters_have_documentation(elsewhere: Command) -> None:
    """``ansible-doc`` shows every filter that a filter plugin of the collection registers."""
    listed = json.loads(elsewhere(["ansible-doc", "--json", "--type", "filter", "--list", "nixvegas.noc"]))
    shown = json.loads(elsewhere(["ansible-doc", "--json", "--type", "filter", *sorted(listed)]))
    assert sorted(shown) == sorted(listed) != []


@pytest.mark.parametrize("role", ROLES)
def test_roles_have_documentation(elsewhere: Command, role: str) -> None:
    """``ansible-doc`` shows every role with its entry point's options."""
    shown = json.loads(elsewhere(["ansible-doc", "--json", "--type", "role", f"nixvegas.noc.{role}"]))
    assert shown[f"nixvegas.noc.{role}"]["entry_points"]["main"]["options"]


def test_inventory(elsewhere: Command) -> None:
    """A user's own inventory, all they keep, compiles."""
    assert "ghostgate" in elsewhere(["ansible-inventory", "-i", "inventory", "--graph"])


@pytest.mark.parametrize("playbook", sorted(path.stem for path in (CHECKOUT / "playbooks").glob("*.yml")))
def test_playbooks_are_found(elsewhere: Command, playbook: str) -> None:
    """``ansible-playbook nixvegas.noc.PLAYBOOK`` finds the playbook and all its roles."""
    assert "play #1" in elsewhere(["ansible-playbook", f"nixvegas.noc.{playbook}", "-i", "inventory", "--list-tasks"])


def test_nothing_private_is_shipped(installed: Path) -> None:
    """Secrets, caches and what belongs to CI only stay out of the tarball."""
    private = (".cache", ".ci", ".git", "inventories/dc33/.secrets")
    assert [name for name in private if (installed / name).exists()] == []
