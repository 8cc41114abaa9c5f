"""What events compile to: against golden files, and against the roles that take it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.nixvegas.noc.plugins.plugin_utils.event import Inventory, compile_text

CHECKOUT = Path(__file__).resolve().parents[5]
SPECS = sorted((CHECKOUT / "roles").glob("*/meta/argument_specs.yml"))


# The machine of the badge table is no host of an event.
WITHOUT_EVENT = {"badge"}

EVENTS = {"dc33": "inventories/dc33/event.yml", "alternative": "tests/golden/event/alternative.yml"}


def compiled(file: str) -> Inventory:
    """The inventory of an event, with secrets in a folder that says so."""
    return compile_text((CHECKOUT / file).read_text(encoding="utf-8"), "event.yml", PurePosixPath("SECRETS"))


INVENTORIES = {name: compiled(file) for name, file in EVENTS.items()}


def as_yaml(data: object) -> str:
    """Data as readable YAML, in its own order, without anchors."""

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:
            return True

    return yaml.dump(data, Dumper=Plain, sort_keys=False, width=120, allow_unicode=True)


@pytest.mark.parametrize(
    ("event", "host"), [(event, host) for event, inventory in INVENTORIES.items() for host in inventory.hosts]
)
def test_host(event: str, host: str, golden: Callable[[str, str], None]) -> None:
    golden(f"event/{event}/{host}.yml", as_yaml(INVENTORIES[event].hosts[host]))


@pytest.mark.parametrize("event", EVENTS)
def test_groups(event: str, golden: Callable[[str, str], None]) -> None:
    inventory = INVENTORIES[event]
    shared = {
        "groups": inventory.groups,
        "all": inventory.everybody,
        "clients": inventory.clients,
        "localhost": inventory.controller,
    }
    golden(f"event/{event}/_groups.yml", as_yaml(shared))


def role_variables(role: str, inventory: Inventory) -> list[tuple[str, dict[str, Any]]]:
    """The variables of one role in a compiled inventory, by host; those of role secrets are everybody's."""
    hosts = {"localhost": inventory.everybody} if role == "secrets" else inventory.hosts
    found = (
        (host, {key: value for key, value in data.items() if key.startswith(f"{role}_")})
        for host, data in hosts.items()
    )
    return [(host, variables) for host, variables in found if variables]


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.parents[1].name)
def test_roles_take_what_is_compiled(spec: Path, event: str) -> None:
    """Ansible's own validation of the role's argument specs finds nothing wrong, nor any variable the role has not."""
    role = spec.parents[1].name
    options = yaml.safe_load(spec.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    for host, variables in role_variables(role, INVENTORIES[event]):
        result = ArgumentSpecValidator(options).validate(variables)
        assert not result.error_messages, f"{role} on {host}: {result.error_messages}"


def test_every_role_gets_variables() -> None:
    roles = {spec.parents[1].name for spec in SPECS}
    assert {role for role in roles if not role_variables(role, INVENTORIES["dc33"])} == WITHOUT_EVENT
