# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that are loaded at boot."""

from __future__ import annotations

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.nft.boot import (
    former_tables,
    refuse_shared_tables,
    ruleset_file,
)
from ansible_collections.nixvegas.noc.plugins.module_utils.nft.ruleset import RulesetError, Table

TABLES = (Table("inet", "a"), Table("ip", "b"))
FILE = ruleset_file("trial", TABLES, "table inet a { }\ntable ip b { }\n")


def test_round_trip() -> None:
    """What a file of ours named can be read from it."""
    assert former_tables(FILE) == TABLES


def test_strangers() -> None:
    """No file, or one of somebody else, names no tables of ours."""
    assert former_tables(None) == ()
    assert former_tables("delete table inet a\n") == ()


def test_shared_table() -> None:
    """Two rulesets cannot own one table."""
    with pytest.raises(RulesetError, match=r"table ip b already belongs to /x/trial\.nft; name another table"):
        refuse_shared_tables([Table("ip", "b")], {"/x/trial.nft": FILE, "/x/strange.nft": "delete table ip b"})
    refuse_shared_tables([Table("ip6", "b")], {"/x/trial.nft": FILE})
