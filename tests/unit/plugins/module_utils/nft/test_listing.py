# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel holds, as nft 1.1.3 of Debian 13 lists it; recorded/small.* come from recorded/small.nft."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.nft.listing import normalise, readable, tables_in, texts
from ansible_collections.nixvegas.noc.plugins.module_utils.nft.ruleset import Table

RECORDED = Path(__file__).parent / "recorded"
FRESH = (RECORDED / "small.fresh.json").read_text()
LIVED = (RECORDED / "small.lived.json").read_text()
SMALL = Table("inet", "small")


def test_life_makes_no_difference() -> None:
    """Counted packets, learned addresses and other handles are no drift."""
    assert FRESH != LIVED
    assert normalise(FRESH) == normalise(LIVED)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"policy": "drop"', '"policy": "accept"'),
        ("[22, ", "[23, "),
        ('"ssh {and} web"', '"ssh"'),
        ('"eth2"', '"eth3"'),
        ('"timeout": 3600', '"timeout": 60'),
        ('["related", {"accept": null}]', '["related", {"drop": null}]'),
        ('"prio": 0', '"prio": 1'),
        ('{"counter": "refused"}', '{"counter": "other"}'),
    ],
)
def test_every_edit_is_seen(before: str, after: str) -> None:
    """What somebody changes by hand is drift."""
    edited = FRESH.replace(before, after)
    assert edited != FRESH
    assert normalise(edited)[SMALL] != normalise(FRESH)[SMALL]


def test_rules_keep_their_order() -> None:
    """Two rules that changed places are drift; members of sets that did are none."""
    objects = json.loads(FRESH)["nftables"]
    rules = [item for item in objects if "rule" in item]
    swapped = [item for item in objects if "rule" not in item] + list(reversed(rules))
    assert normalise(json.dumps({"nftables": swapped}))[SMALL] != normalise(FRESH)[SMALL]
    moved = FRESH.replace('"elem": ["eth0", "eth1", "eth2"]', '"elem": ["eth2", "eth0", "eth1"]')
    assert moved != FRESH
    assert normalise(moved) == normalise(FRESH)


def test_quota_and_single_flag() -> None:
    """A quota's use is left out, its limit is kept; a lone flag is a string in what nft prints."""

    def listing(used: int, limit: int, elements: list[str]) -> str:
        quota = {"family": "ip", "table": "t", "name": "q", "bytes": limit, "used": used, "inv": False}
        filled = {"family": "ip", "table": "t", "name": "s", "type": "ipv4_addr", "flags": "dynamic", "elem": elements}
        return json.dumps({"nftables": [{"quota": quota}, {"set": filled}]})

    assert normalise(listing(1, 10, [])) == normalise(listing(9, 10, ["192.0.2.1"]))
    assert normalise(listing(1, 10, [])) != normalise(listing(1, 11, []))


def test_tables_in() -> None:
    """All tables of a listing."""
    assert tables_in(FRESH) == {SMALL, Table("ip", "small_too")}


def test_texts() -> None:
    """A listing is cut into its tables; nothing of it is lost but the order in sets."""
    listing = (RECORDED / "small.fresh.txt").read_text()
    cut = texts(listing)
    assert list(cut) == [SMALL, Table("ip", "small_too")]
    assert cut[Table("ip", "small_too")] == "table ip small_too {\n}\n"
    assert sorted("".join(cut.values())) == sorted(listing)


def test_readable() -> None:
    """Sets are sorted as they stand, on one line or on several; blocks of rules are left alone."""
    assert readable("x { b, a }") == "x { a, b }"
    assert readable("elements = { c,\n\t\t     a,\n\t\t     b }") == "elements = { a,\n\t\t     b,\n\t\t     c }"
    assert readable("elements = { a }") == "elements = { a }"
    chain = "chain c {\n\tct state established,related accept\n\tip saddr 192.0.2.1 accept\n}"
    assert readable(chain) == chain
