"""Plans: containers, bridges, cables, and the outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import yaml
from ansible_collections.nixvegas.noc.rehearsal import plan as planning
from ansible_collections.nixvegas.noc.rehearsal.event import Event, load_event
from ansible_collections.nixvegas.noc.rehearsal.wiring import bridge_commands, cable_commands

Golden = Callable[[str, str], None]
DC33 = Path(__file__).resolve().parents[3] / "inventories" / "dc33" / "event.yml"


def as_text(plan: planning.Plan) -> str:
    """A plan as YAML, with the lines of `ip` that wire it."""
    lines = [*bridge_commands(plan.bridges), *cable_commands(enumerate(plan.cables))]

    def plain(pairs: list[tuple[str, object]]) -> dict[str, object]:
        return {key: list(value) if isinstance(value, tuple) else value for key, value in pairs}

    return yaml.safe_dump({**asdict(plan, dict_factory=plain), "commands": lines}, sort_keys=False, width=160)


def test_alternative(event: Event, golden: Golden) -> None:
    golden("rehearsal/alternative.plan", as_text(planning.plan_event(event)))


def test_example(golden: Golden) -> None:
    golden("rehearsal/dc33.plan", as_text(planning.plan_event(load_event(DC33))))


def test_stand_ins_never_have_a_hosts_name(event: Event) -> None:
    names = [container.name for container in planning.plan_event(event).containers]
    assert names == ["gate", "laptop", "exit-a", "exit-b", "rehearsal-laptop", "crew", "internet"]


@pytest.mark.parametrize(
    ("pooled", "clients"),
    [
        ((), []),
        (("one",), [("laptop", "one")]),
        (("one", "two"), [("laptop", "two"), ("crew", "one")]),
        (
            ("one", "two", "three", "four"),
            [("laptop", "four"), ("laptop-three", "three"), ("laptop-two", "two"), ("crew", "one")],
        ),
    ],
)
def test_clients(event: Event, pooled: tuple[str, ...], clients: list[tuple[str, str]]) -> None:
    planned = planning.plan_clients(replace(event, pooled_networks=pooled, ports={}))
    assert [(client.name, client.network) for client in planned] == clients


def test_uplinks_do_not_overlap_networks(event: Event) -> None:
    outside = planning.plan_event(event).outside
    assert outside
    assert [segment.cidr for segment in outside.segments] == ["172.31.2.0/24", "203.0.113.0/24", "203.0.114.0/24"]
    assert [segment.gateway for segment in outside.segments] == ["172.31.2.1", "203.0.113.1", "203.0.114.2"]


def test_lab() -> None:
    plan = planning.plan_lab("dns", {"router": {"eth0": "lan", "eth1": "eth1"}, "client": {"eth0": "lan"}})
    assert plan.bridges == ("lan-lan", "lan-eth1")
    assert [(cable.container, cable.port, cable.bridge) for cable in plan.cables] == [
        ("router", "eth0", "lan-lan"),
        ("router", "eth1", "lan-eth1"),
        ("client", "eth0", "lan-lan"),
    ]


@pytest.mark.parametrize("name", ["arena", "a-rather-long-name", "x" * 63])
def test_device_names_fit_the_kernel(name: str) -> None:
    assert len(planning.device_name("lan-", name)) <= 15


def test_hardware_addresses_are_local_and_stay() -> None:
    address = planning.derived_mac("dc33", "ghostgate", "eth0")
    assert (
        address
        == planning.derived_mac("dc33", "ghostgate", "eth0")
        != planning.derived_mac("dc33", "ghostgate", "eth1")
    )
    assert address.startswith("02:")
