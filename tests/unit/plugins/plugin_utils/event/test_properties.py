"""Whatever compiles is sound: every filter and renderer takes it, and its parts agree with one another."""

from __future__ import annotations

from collections import Counter
from functools import cache
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.nixvegas.noc.plugins.filter.knot_zones import knot_zones
from ansible_collections.nixvegas.noc.plugins.filter.networkd_files import networkd_files
from ansible_collections.nixvegas.noc.plugins.filter.nix_conf import nix_conf
from ansible_collections.nixvegas.noc.plugins.filter.verify import PARTS, probes
from ansible_collections.nixvegas.noc.plugins.modules.knot_zone import ARGUMENTS, all_wanted
from ansible_collections.nixvegas.noc.plugins.plugin_utils.event import EventError, Inventory, compile_text
from ansible_collections.nixvegas.noc.plugins.plugin_utils.kea import ddns_domains, dhcp4
from ansible_collections.nixvegas.noc.plugins.plugin_utils.nftables.egress import egress_rules
from ansible_collections.nixvegas.noc.plugins.plugin_utils.nftables.firewall import firewall_rules
from ansible_collections.nixvegas.noc.tests.unit.plugins.plugin_utils.event.strategies import events
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CHECKOUT = Path(__file__).resolve().parents[5]
DC33 = (CHECKOUT / "inventories/dc33/event.yml").read_text(encoding="utf-8")
MAIN_TABLE = 254
TUNNEL = "nebula1"
BOUNDED = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@cache
def specs() -> dict[str, ArgumentSpecValidator]:
    """The argument specs of each role, by the prefix of its variables."""
    files = (CHECKOUT / "roles").glob("*/meta/argument_specs.yml")
    return {
        f"{file.parents[1].name}_": ArgumentSpecValidator(
            yaml.safe_load(file.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
        )
        for file in files
    }


def check_roles(inventory: Inventory) -> None:
    """Every role takes its variables."""
    for name, variables in [*inventory.hosts.items(), ("all", inventory.everybody)]:
        for prefix, spec in specs().items():
            own = {key: value for key, value in variables.items() if key.startswith(prefix)}
            assert not own or not spec.validate(own).error_messages, (name, prefix)


def check_interfaces(name: str, variables: dict[str, Any]) -> None:
    """Files of networkd; rules whose tables have routes; priorities that order them."""
    interfaces = variables["network_interfaces"]
    files = networkd_files(interfaces)
    assert [dest for dest, count in Counter(file["dest"] for file in files).items() if count > 1] == []
    routes = [route for interface in interfaces for route in interface.get("routes", [])]
    rules = [rule for interface in interfaces for rule in interface.get("rules", [])]
    tables = {route.get("table", MAIN_TABLE) for route in routes} | {MAIN_TABLE}
    assert {rule["table"] for rule in rules} <= tables, name
    assert max(Counter(rule["priority"] for rule in rules).values(), default=1) == 1, name


def check_firewall(router: dict[str, Any]) -> None:
    """Rules name zones that are there, zones have interfaces that are there, and nothing of the networks leaves by an
    uplink."""
    zones = router["firewall_zones"]
    firewall_rules(
        zones,
        accept_input=router["firewall_input"],
        forward=router["firewall_forward"],
        redirect=router["firewall_redirect"],
        masquerade=router["firewall_masquerade"],
        uplink_zones=router["firewall_uplink_zones"],
        antispoof_zones=router["firewall_antispoof_zones"],
    )
    used = {zone for rule in [*router["firewall_input"], *router["firewall_redirect"]] for zone in rule["zones"]}
    used |= {rule[end] for rule in router["firewall_forward"] for end in ("from", "to")}
    assert used <= set(zones)
    assert {name for names in zones.values() for name in names} <= {i["name"] for i in router["network_interfaces"]}
    assert all(zones.values())
    assert not [rule for rule in router["firewall_forward"] if rule["to"] in router["firewall_uplink_zones"]]


def check_addresses(inventory: Inventory, router: dict[str, Any]) -> None:
    """No address is in two places: not of two hosts, not of one and the pool; each is in its network."""
    fixed: list[tuple[str, str]] = []
    for name, variables in inventory.hosts.items():
        fixed.append((str(IPv4Interface(variables["nebula_address"]).ip), name))
        for interface in variables["network_interfaces"]:
            fixed += [(str(IPv4Interface(address).ip), name) for address in interface.get("addresses", [])]
    for subnet in router["dhcp_subnets"]:
        reserved = [reservation["address"] for reservation in subnet["reservations"]]
        fixed += [(address, subnet["cidr"]) for address in reserved]
        cidr, taken = IPv4Network(subnet["cidr"]), [IPv4Address(address) for address in [*reserved, subnet["router"]]]
        if pool := subnet.get("pool"):
            first, last = (IPv4Address(end) for end in pool.split("-"))
            assert cidr.network_address < first <= last < cidr.broadcast_address
            assert not [address for address in taken if first <= address <= last]
        assert all(address in cidr for address in taken)
    assert [address for address, count in Counter(address for address, _name in fixed).items() if count > 1] == []
    spaces = sorted(IPv4Network(network["cidr"]) for network in inventory.clients["verify_networks"].values())
    assert not [pair for pair in pairwise(spaces) if pair[0].overlaps(pair[1])]


def check_names(inventory: Inventory, router: dict[str, Any]) -> None:
    """Knot's module takes the zones; published names and reservations have records, and addresses their names."""
    validated = ArgumentSpecValidator(ARGUMENTS).validate({"zones": knot_zones(router["dns_zones"])})
    assert not validated.error_messages
    records = {
        (name, rtype): {data for record_set in [found] for data in record_set.data}
        for zone in all_wanted(validated.validated_parameters["zones"]).values()
        for (name, rtype), found in zone.items()
    }
    own = {str(IPv4Interface(a).ip) for i in router["network_interfaces"] for a in i.get("addresses", [])}
    for site in router["reverse_proxy_sites"]:
        assert records[f"{site['name']}.", "A"] <= own
        assert site["backends"]
    for subnet in router["dhcp_subnets"]:
        assert subnet["reverse_zone"] in {zone["name"] for zone in router["dns_zones"]}
        for reservation in subnet["reservations"]:
            assert records[f"{reservation['hostname']}.{subnet['domain']}.", "A"] == {reservation["address"]}
    for name in inventory.clients["verify_names"]:
        expected = {f"{data}." if name["type"] == "PTR" else data for data in name["data"]}
        assert records[f"{name['name']}.", name["type"]] == expected


def check_dhcp(router: dict[str, Any]) -> None:
    """Kea's files; subnets with ids and interfaces of their own."""
    subnets = router["dhcp_subnets"]
    assert len(dhcp4(subnets)["Dhcp4"]["subnet4"]) == len(subnets)
    for direction in ("forward", "reverse"):
        domains = ddns_domains(subnets, router["dhcp_ddns"], direction)
        assert {domain["name"].rstrip(".") for domain in domains} <= {zone["name"] for zone in router["dns_zones"]}
    for key in ("id", "interface", "cidr"):
        assert len({subnet[key] for subnet in subnets}) == len(subnets)
    assert {subnet["interface"] for subnet in subnets} <= {i["name"] for i in router["network_interfaces"]}


def check_overlay(inventory: Inventory) -> None:
    """Every host knows a lighthouse, or is one; lighthouses and relays are those that the event has."""
    lighthouses = {
        str(IPv4Interface(v["nebula_address"]).ip) for v in inventory.hosts.values() if v["nebula_lighthouse"]
    }
    for name, variables in inventory.hosts.items():
        assert variables["nebula_lighthouses"] or variables["nebula_lighthouse"], name
        assert {found["address"] for found in variables["nebula_lighthouses"]} <= lighthouses, name
        assert set(variables["nebula_relays"]) <= lighthouses, name


def check_proof(inventory: Inventory) -> None:
    """Every part of the proof has its questions, for clients of each network and for each host."""
    for network in inventory.clients["verify_networks"]:
        promises = inventory.clients | {"verify_network": network, "verify_address_page": "http://192.0.2.1/"}
        asked = probes(promises, "client")
        assert {probe["kind"] for probe in asked} >= {"resolve", "ntp", "reach"}
        for part in set(PARTS) - {"client", "host"}:
            probes(promises, part)
    for host in inventory.hosts:
        probes(inventory.clients, "host", host=host)


def check_sound(inventory: Inventory) -> None:
    """All of the above."""
    (router,) = (inventory.hosts[name] for name in inventory.groups["router"])
    check_roles(inventory)
    check_firewall(router)
    check_addresses(inventory, router)
    check_names(inventory, router)
    check_dhcp(router)
    check_overlay(inventory)
    check_proof(inventory)
    for name, variables in inventory.hosts.items():
        check_interfaces(name, variables)
        nix_conf(variables["nix_settings"] | {"substituters": variables["nix_substituters"]})
    for name in inventory.groups["egress"]:
        egress = inventory.hosts[name]
        egress_rules(
            *(egress[f"egress_{key}"] for key in ("public_interface", "tunnel_interface", "sources", "accept"))
        )
        assert egress["egress_public_interface"] in {i["name"] for i in egress["network_interfaces"]}


@BOUNDED
@given(text=events())
def test_right_events_compile_to_sound_inventories(text: str) -> None:
    check_sound(compile_text(text, "event.yml", PurePosixPath("SECRETS")))


LINES = DC33.splitlines()
WORDS = sorted({word.strip("{}[],:\"'") for line in LINES for word in line.partition("#")[0].split()} - {""})


def edited(edits: list[tuple[int, str, str]]) -> str:
    """dc33 with lines left out, or a word of them exchanged for another of the file."""
    lines = list(LINES)
    for at, edit, word in edits:
        old = [found for found in WORDS if found in lines[at]]
        lines[at] = "" if edit == "drop" or not old else lines[at].replace(old[at % len(old)], word, 1)
    return "\n".join(lines)


@BOUNDED
@given(
    edits=st.lists(
        st.tuples(st.integers(1, len(LINES) - 1), st.sampled_from(["drop", "swap"]), st.sampled_from(WORDS)),
        min_size=1,
        max_size=3,
    )
)
def test_edited_events_compile_to_sound_inventories_or_not_at_all(edits: list[tuple[int, str, str]]) -> None:
    try:
        inventory = compile_text(edited(edits), "event.yml", PurePosixPath("SECRETS"))
    except EventError as error:
        assert str(error)
    else:
        check_sound(inventory)
