# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of a ruleset."""

from __future__ import annotations

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.nft.ruleset import RulesetError, Table, parse, transaction
from hypothesis import given
from hypothesis import strategies as st

INET_A = Table("inet", "a")


@pytest.mark.parametrize(
    ("text", "tables"),
    [
        ("table inet a { }", [INET_A]),
        ("table a { }", [Table("ip", "a")]),
        ("table inet a {\n}\ntable ip6 b-1 {\n}\ntable inet a { }", [INET_A, Table("ip6", "b-1")]),
        ("# flush ruleset\ndefine x = { 1,\n 2 }\ntable inet a { # }\n}", [INET_A]),
        ("define x = 1; table inet a { chain c { accept; }; }", [INET_A]),
        ('table inet a { chain c { accept comment "} flush ruleset {" } }', [INET_A]),
        ("table inet a { } table inet b { }", [INET_A, Table("inet", "b")]),
        ("table \\\n inet a \\\n { }", [INET_A]),
    ],
)
def test_tables(text: str, tables: list[Table]) -> None:
    """The tables are named in order, each once."""
    assert list(parse(text)) == tables


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the ruleset names no table"),
        ("# table inet a { }\ndefine x = 1", "the ruleset names no table"),
        ("\nflush ruleset\n", "ruleset line 2: 'flush ruleset' is not allowed; a ruleset holds only"),
        ("table inet a { }\ndelete table inet b", "ruleset line 2: 'delete table inet b' is not allowed"),
        ("table inet a { }; add table inet b", "ruleset line 1: 'add table inet b' is not allowed"),
        ('include "/etc/x.nft"', "ruleset line 1: 'include \"/etc/x.nft\"' is not allowed"),
        ("table inet a", "ruleset line 1: 'table inet a' has no block; write `table FAMILY NAME { … }`, on one line"),
        ("table inet a\n{\n}", "ruleset line 1: 'table inet a' has no block"),
        ("table inat a { }", "ruleset line 1: 'table inat a' names no table; write `table FAMILY NAME {`"),
        ("table inet $a { }", "ruleset line 1: 'table inet $a' names no table"),
        ("table inet a b { }", "ruleset line 1: 'table inet a b' names no table"),
        ("table { }", "ruleset line 1: 'table' names no table"),
        ("table inet a {\n chain c {\n}", "ruleset line 1: '{' is never closed; add its '}'"),
        ("table inet a { }\n}", "ruleset line 2: '}' closes nothing; remove it or open its block"),
        ("{ }", "ruleset line 1: '{ }' is not allowed"),
    ],
)
def test_refused(text: str, message: str) -> None:
    """What reaches beyond named tables is refused, by line."""
    with pytest.raises(RulesetError) as error:
        parse(text)
    assert str(error.value).startswith(message)


@given(st.text(alphabet='{}#"\\\n; tableinx$', max_size=60))
def test_never_another_error(text: str) -> None:
    """Whatever the text, it is parsed or refused."""
    try:
        parse(text)
    except RulesetError as error:
        assert str(error)


def test_transaction() -> None:
    """Tables are made before they are deleted, so that deleting does not fail; then comes the text."""
    made = transaction([INET_A, Table("ip", "b")], "table inet a {\n}")
    assert made == "table inet a\ndelete table inet a\ntable ip b\ndelete table ip b\ntable inet a {\n}\n"
    assert transaction([INET_A], "") == "table inet a\ndelete table inet a\n"
