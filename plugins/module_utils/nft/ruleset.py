# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of a ruleset: which tables it names, and the transaction that makes the kernel hold just that."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

FAMILIES = ("ip", "ip6", "inet", "arp", "bridge", "netdev")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9/\\_.-]*\Z")
_TOKEN = re.compile(
    r'(?P<space>(?:[ \t\r]|\\\n)+)|(?P<comment>#[^\n]*)|(?P<mark>[\n;{}])|(?P<word>"[^"\n]*"|[^\s;{}"#\\]+|.)'
)


class RulesetError(ValueError):
    """The text is not what a ruleset may be; the message says where and why."""


class Table(NamedTuple):
    """One nftables table, by its family and name."""

    family: str
    name: str

    def __str__(self) -> str:
        return f"{self.family} {self.name}"


class _Token(NamedTuple):
    text: str
    line: int


def _tokens(text: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text):
        if match.lastgroup in ("mark", "word"):
            yield _Token(match.group(), text.count("\n", 0, match.start()) + 1)


def _statements(text: str) -> Iterator[list[_Token]]:
    """Split the text at newlines and semicolons that stand outside braces; a closing brace ends a table's statement."""
    statement: list[_Token] = []
    opened: list[_Token] = []
    for token in _tokens(text):
        if token.text in "\n;" and not opened:
            if statement:
                yield statement
            statement = []
            continue
        statement.append(token)
        if token.text == "{":
            opened.append(token)
        elif token.text == "}":
            if not opened:
                raise RulesetError(f"ruleset line {token.line}: '}}' closes nothing; remove it or open its block")
            opened.pop()
            if not opened and statement[0].text == "table":
                yield statement
                statement = []
    if opened:
        raise RulesetError(f"ruleset line {opened[-1].line}: '{{' is never closed; add its '}}'")
    if statement:
        yield statement


def _table(statement: list[_Token]) -> Table:
    line = statement[0].line
    words = [token.text for token in statement]
    if "{" not in words:
        raise RulesetError(
            f"ruleset line {line}: '{' '.join(words)}' has no block;"
            " write `table FAMILY NAME { … }`, on one line up to the first brace"
        )
    spec = words[1 : words.index("{")]
    family, name = spec if len(spec) == 2 else ("ip", spec[0]) if len(spec) == 1 else ("", "")  # noqa: PLR2004
    if family not in FAMILIES or not _NAME.match(name):
        raise RulesetError(
            f"ruleset line {line}: '{' '.join(['table', *spec])}' names no table; write `table FAMILY NAME {{`"
            f" with a family of {', '.join(FAMILIES)} and a plain name"
        )
    return Table(family, name)


def parse(text: str) -> tuple[Table, ...]:
    """The tables that a ruleset names, in order, each once.

    Source: nft(8), input file format. Raises RulesetError for anything but table blocks, defines and comments, because
    statements such as C(flush ruleset) or C(include) reach beyond the tables that are named.
    """
    tables: list[Table] = []
    for statement in _statements(text):
        keyword, line = statement[0]
        if keyword == "define":
            continue
        if keyword != "table":
            words = [token.text for token in statement if token.line == line]
            raise RulesetError(
                f"ruleset line {line}: '{' '.join(words)}' is not allowed; a ruleset holds only"
                " `table FAMILY NAME { … }` blocks, defines and comments, so that tables of others stay untouched"
            )
        table = _table(statement)
        if table not in tables:
            tables.append(table)
    if not tables:
        raise RulesetError("the ruleset names no table; write at least one `table FAMILY NAME { … }` block")
    return tuple(tables)


def removal(tables: Iterable[Table]) -> str:
    """Statements that remove tables whether they are there or not (`destroy` is unknown to nft 1.0.6 of Debian 12)."""
    return "".join(f"table {table}\ndelete table {table}\n" for table in tables)


def transaction(tables: Iterable[Table], text: str) -> str:
    """What `nft -f` applies atomically: the tables are replaced by what the text says, nothing else is touched."""
    return removal(tables) + text.rstrip("\n") + "\n" if text else removal(tables)
