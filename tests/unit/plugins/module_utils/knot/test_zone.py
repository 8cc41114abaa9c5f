# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans: what is wanted against what is there, by tables; errors name zone and record."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.knot.zone import (
    Plan,
    Step,
    ZoneError,
    live_records,
    make_plan,
    wanted_records,
)

ZONE = "dc.nixos.lv."
SOA_ROW = (ZONE, 3600, "SOA", "ns.dc.nixos.lv. hostmaster.dc.nixos.lv. 7 3600 600 604800 60")
NS_ROW = (ZONE, 3600, "NS", "ns.dc.nixos.lv.")
SAITAMA = ("saitama.build.dc.nixos.lv.", 3600, "A", "10.4.1.3")
LAPTOP = [
    ("laptop.build.dc.nixos.lv.", 600, "A", "10.4.1.128"),
    ("laptop.build.dc.nixos.lv.", 600, "DHCID", "AAABRRoQQbJankL2DGoyUT9U"),
]


def record(name: str, rtype: str, *data: str, ttl: int | None = None) -> dict[str, Any]:
    """One record of the module's parameters."""
    return {"name": name, "type": rtype, "data": list(data), "ttl": ttl}


def parameters(*records: dict[str, Any], **options: Any) -> dict[str, Any]:
    """One zone of the module's parameters, with the defaults Ansible fills in."""
    soa = {
        "mname": None,
        "rname": None,
        "refresh": 3600,
        "retry": 600,
        "expire": 604800,
        "minimum": 60,
        "ttl": None,
    }
    zone = {"name": "dc.nixos.lv", "records": list(records), "default_ttl": 3600, "ns": [], "soa": soa}
    return zone | options | {"soa": soa | options.get("soa", {})}


def plan(wanted: dict[str, Any], *rows: tuple[str, int, str, str], purge_dynamic: bool = False) -> Plan:
    """The plan for one zone of which the server prints C(rows)."""
    zone, records = wanted_records(wanted)
    return make_plan(zone, records, live_records(zone, rows), purge_dynamic)


def test_new_zone() -> None:
    """A zone without content gets its SOA and NS records and serial 1."""
    made = plan(parameters(record("saitama.build", "A", "10.4.1.3")))
    assert made.steps == (
        Step("set", ZONE, "NS", 3600, "ns.dc.nixos.lv."),
        Step("set", ZONE, "SOA", 3600, "ns.dc.nixos.lv. hostmaster.dc.nixos.lv. 1 3600 600 604800 60"),
        Step("set", "saitama.build.dc.nixos.lv.", "A", 3600, "10.4.1.3"),
    )
    assert made.before == ()
    assert made.after == (
        "@ 3600 SOA ns.dc.nixos.lv. hostmaster.dc.nixos.lv. 3600 600 604800 60",
        "@ 3600 NS ns.dc.nixos.lv.",
        "saitama.build 3600 A 10.4.1.3",
    )
    assert made.serial is None


def test_nothing_to_do() -> None:
    """However the records are written, the same records need no step."""
    wanted = parameters(record("Saitama.Build.DC.nixos.lv.", "a", "10.4.1.3"))
    made = plan(wanted, SOA_ROW, NS_ROW, SAITAMA)
    assert (made.steps, made.added, made.removed, made.serial) == ((), [], [], 7)


def test_difference() -> None:
    """Only what differs is touched; a new TTL replaces the whole set."""
    wanted = parameters(
        record("saitama.build", "A", "10.4.1.3", ttl=300),
        record("genos", "A", "10.4.1.4"),
        record("genos", "A", "10.4.1.5"),
    )
    rows = [
        SOA_ROW,
        NS_ROW,
        SAITAMA,
        ("genos.dc.nixos.lv.", 3600, "A", "10.4.1.4"),
        ("genos.dc.nixos.lv.", 3600, "A", "10.4.1.6"),
    ]
    made = plan(wanted, *rows, ("gone.dc.nixos.lv.", 60, "TXT", '"x"'))
    assert made.steps == (
        Step("unset", "gone.dc.nixos.lv.", "TXT"),
        Step("unset", "genos.dc.nixos.lv.", "A", None, "10.4.1.6"),
        Step("set", "genos.dc.nixos.lv.", "A", 3600, "10.4.1.5"),
        Step("unset", "saitama.build.dc.nixos.lv.", "A"),
        Step("set", "saitama.build.dc.nixos.lv.", "A", 300, "10.4.1.3"),
    )
    assert made.added == ["genos 3600 A 10.4.1.5", "saitama.build 300 A 10.4.1.3"]
    assert made.removed == ["genos 3600 A 10.4.1.6", 'gone 60 TXT "x"', "saitama.build 3600 A 10.4.1.3"]


@pytest.mark.parametrize(
    ("soa", "expected"),
    [
        ({}, ()),
        (
            {"minimum": 300},
            (Step("set", ZONE, "SOA", 3600, "ns.dc.nixos.lv. hostmaster.dc.nixos.lv. 8 3600 600 604800 300"),),
        ),
        ({"ttl": 60}, (Step("set", ZONE, "SOA", 60, "ns.dc.nixos.lv. hostmaster.dc.nixos.lv. 8 3600 600 604800 60"),)),
    ],
)
def test_soa(soa: dict[str, Any], expected: tuple[Step, ...]) -> None:
    """The serial is not compared; a changed SOA record brings the next one, for Knot refuses it otherwise."""
    assert plan(parameters(soa=soa), SOA_ROW, NS_ROW).steps == expected


def test_soa_serial_wraps() -> None:
    """After the largest serial comes zero (RFC 1982)."""
    row = (ZONE, 3600, "SOA", f"ns.dc.nixos.lv. hostmaster.dc.nixos.lv. {2**32 - 1} 3600 600 604800 60")
    (step,) = plan(parameters(soa={"ttl": 5}), row, NS_ROW).steps
    assert step.data == "ns.dc.nixos.lv. hostmaster.dc.nixos.lv. 0 3600 600 604800 60"


def test_name_servers() -> None:
    """The first name server is the primary one; NS records of the zone itself that are listed replace them."""
    _zone, records = wanted_records(parameters(ns=["a.build", "b.example."]))
    assert records[ZONE, "NS"].data == {"a.build.dc.nixos.lv.", "b.example."}
    assert next(iter(records[ZONE, "SOA"].data)).startswith("a.build.dc.nixos.lv. ")
    _zone, records = wanted_records(parameters(record("@", "NS", "c"), ns=["a.build"]))
    assert records[ZONE, "NS"].data == {"c.dc.nixos.lv."}


def test_dynamic_names_are_left_alone() -> None:
    """A name with a DHCID record is the DHCP server's."""
    rows = [SOA_ROW, NS_ROW, *LAPTOP]
    assert plan(parameters(), *rows).steps == ()
    assert plan(parameters(), *rows, purge_dynamic=True).removed == [
        "laptop.build 600 A 10.4.1.128",
        "laptop.build 600 DHCID AAABRRoQQbJankL2DGoyUT9U",
    ]


def test_listed_names_are_not_dynamic() -> None:
    """A name that a client took before it was listed is taken back."""
    made = plan(parameters(record("laptop.build", "A", "10.4.1.9")), SOA_ROW, NS_ROW, *LAPTOP)
    assert made.removed == ["laptop.build 600 A 10.4.1.128", "laptop.build 600 DHCID AAABRRoQQbJankL2DGoyUT9U"]
    assert made.added == ["laptop.build 3600 A 10.4.1.9"]


def test_signatures_are_ignored() -> None:
    """Records that DNSSEC signing makes are nobody's."""
    rows = [
        (ZONE, 3600, "RRSIG", "A 13"),
        (ZONE, 3600, "DNSKEY", "257 3 13 x"),
        ("x.dc.nixos.lv.", 60, "NSEC", "dc.nixos.lv. A"),
    ]
    assert plan(parameters(), SOA_ROW, NS_ROW, *rows).steps == ()


def test_odd_live_data_is_shown_as_it_is() -> None:
    """Data that could not be listed can still be removed."""
    made = plan(parameters(), SOA_ROW, NS_ROW, ("x.dc.nixos.lv.", 60, "CNAME", "odd\\032name.dc.nixos.lv."))
    assert made.removed == ["x 60 CNAME odd\\032name.dc.nixos.lv."]


@pytest.mark.parametrize(
    ("records", "message"),
    [
        (
            [record("saitama.build", "A", "10.4.1")],
            "record saitama.build A: '10.4.1' is not an IPv4 address (Expected 4 octets in '10.4.1')",
        ),
        ([record("x.example.", "A", "10.4.1.3")], "record x.example. A: 'x.example.' is not in the zone"),
        ([record("x", "A")], "record x A: has no data"),
        ([record("x", "A", "10.4.1.3", ttl=-1)], "record x A: TTL -1 is not between 0 and 2147483647 seconds"),
        ([record("x", "DHCID", "AAAB")], "record x DHCID: records of this type are made by the server, not listed"),
        ([record("x", "RRSIG", "A 13")], "record x RRSIG: records of this type are made by the server, not listed"),
        (
            [record("x", "A", "10.4.1.3"), record("x", "A", "10.4.1.4", ttl=60)],
            "record x A: TTL 60 differs from 3600 of the same name and type",
        ),
        (
            [record("x", "CNAME", "y"), record("x", "A", "10.4.1.3")],
            "record x.dc.nixos.lv. CNAME stands beside A: an alias must be the only record of its name",
        ),
        (
            [record("x", "CNAME", "y", "z")],
            "record x.dc.nixos.lv. CNAME has several targets: an alias must be the only record of its name",
        ),
    ],
)
def test_errors(records: list[dict[str, Any]], message: str) -> None:
    """Zone, record, what is wrong and what would be right."""
    with pytest.raises(ZoneError) as caught:
        wanted_records(parameters(*records))
    assert str(caught.value) == f"zone dc.nixos.lv.: {message}"


def test_wrong_zone_name() -> None:
    """The zone's own name is looked at too."""
    with pytest.raises(ZoneError, match=r"^zone a b: 'a b\.' is not a domain name"):
        wanted_records(parameters(name="a b"))
