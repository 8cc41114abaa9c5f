# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Transactions against a Knot in memory: all or nothing, and nothing left open."""

from __future__ import annotations

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.knot.control import ControlError
from ansible_collections.nixvegas.noc.plugins.module_utils.knot.transaction import apply_plans, read_zone
from ansible_collections.nixvegas.noc.plugins.module_utils.knot.zone import Records, ZoneError

from .fake_knot import FakeKnot
from .test_zone import LAPTOP, NS_ROW, SAITAMA, SOA_ROW, ZONE, parameters, record, wanted_records

OTHER = "other.lv."


def wanted() -> dict[str, Records]:
    """Two zones with one record each."""
    host = record("saitama.build", "A", "10.4.1.3")
    return dict([wanted_records(parameters(host)), wanted_records(parameters(host, name="other.lv"))])


def test_commit() -> None:
    """Both zones hold what is wanted; dynamic names stay; the serial moves by one."""
    knot = FakeKnot({ZONE: [SOA_ROW, NS_ROW, *LAPTOP], OTHER: []})
    plans = apply_plans(knot, wanted(), purge_dynamic=False)
    assert plans[ZONE].added == ["saitama.build 3600 A 10.4.1.3"]
    assert knot.zones[ZONE] == {(*SOA_ROW[:3], SOA_ROW[3].replace(" 7 ", " 8 ")), NS_ROW, SAITAMA, *LAPTOP}
    assert len(knot.zones[OTHER]) == 3
    assert knot.open == {}


def test_plans_are_made_inside_the_transaction() -> None:
    """What a client did since the first look is not overwritten."""
    knot = FakeKnot({ZONE: [SOA_ROW, NS_ROW, SAITAMA]})
    assert apply_plans(knot, {ZONE: wanted()[ZONE]}, purge_dynamic=False)[ZONE].steps == ()
    assert knot.zones[ZONE] == {SOA_ROW, NS_ROW, SAITAMA}


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (
            f"zone-set {OTHER} saitama",
            "zone other.lv.: cannot set record saitama.build.other.lv. 3600 A 10.4.1.3: no. Nothing was changed.",
        ),
        (f"zone-begin {OTHER}", "zone other.lv.: cannot begin a transaction (no)"),
        (
            f"zone-commit {ZONE}",
            "zone dc.nixos.lv.: Knot refuses the zone (no); nothing was changed. Why: journalctl -u knot",
        ),
    ],
)
def test_nothing_changes_on_error(refused: str, message: str) -> None:
    """A refused command aborts the transactions of all zones."""
    before = {ZONE: [SOA_ROW, NS_ROW], OTHER: []}
    knot = FakeKnot(before, refuse={refused: "no"})
    with pytest.raises(ZoneError) as caught:
        apply_plans(knot, wanted(), purge_dynamic=False)
    assert str(caught.value) == message
    assert knot.zones == {zone: set(rows) for zone, rows in before.items()}
    assert knot.open == {}


def test_a_late_refusal_tells_what_was_committed() -> None:
    """Knot commits zone by zone."""
    knot = FakeKnot({ZONE: [SOA_ROW, NS_ROW], OTHER: []}, refuse={f"zone-commit {OTHER}": "semantic check"})
    with pytest.raises(ZoneError, match=r"already committed: dc\.nixos\.lv\."):
        apply_plans(knot, wanted(), purge_dynamic=False)
    assert knot.open == {}


def test_a_strange_transaction_is_not_aborted() -> None:
    """The error tells how to get rid of it."""
    knot = FakeKnot({ZONE: [SOA_ROW, NS_ROW], OTHER: []})
    knot.query("zone-begin", OTHER)
    with pytest.raises(ZoneError, match=r"let them commit it, or run: knotc zone-abort other\.lv\."):
        apply_plans(knot, wanted(), purge_dynamic=False)
    assert list(knot.open) == [OTHER]


def test_reading() -> None:
    """An empty zone has no records; other refusals are errors."""
    assert read_zone(FakeKnot({ZONE: []}, refuse={"zone-read": "zone is empty"}), ZONE) == {}
    with pytest.raises(ControlError, match="operation timed out"):
        read_zone(FakeKnot({ZONE: []}, refuse={"zone-read": "operation timed out"}), ZONE)
