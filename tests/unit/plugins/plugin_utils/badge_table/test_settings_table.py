"""Settings tables: what they say, and what is said of their mistakes, never with a passphrase."""

from __future__ import annotations

import csv
import io

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.table.record import line
from ansible_collections.nixvegas.noc.plugins.plugin_utils.badge_table.settings_table import (
    TableError,
    read,
    shared_row,
)

MAC = "60:55:f9:00:00:07"
SECRET = "correct horse"
NETWORK = {"router_ssid": "NixVegas", "router_passphrase": SECRET, "cache_upstream": "cache.nixos.lv"}


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("t.csv", f"name,mac,mode\nZoë,60-55-F9-00-00-07,peer\n\n,,\n,{MAC[:-1]}8,\nAda,,\n,,lights\n"),
        ("t.csv", f"\ufeffname;mac;mode\r\nZoë;{MAC};peer\r\n;{MAC[:-1]}8;\r\nAda;;\r\n;;lights\r\n"),
        ("t.yml", f'- {{name: Zoë, mac: "{MAC}", mode: peer}}\n- mac: "{MAC[:-1]}8"\n- name: Ada\n- mode: lights\n'),
    ],
)
def test_rows(where: str, text: str) -> None:
    rows = read(text, where, {"mode": "cache", **NETWORK})
    assert [(row.id, row.mac, row.settings["mode"]) for row in rows] == [
        ("Zoë", MAC, "peer"),
        (f"{MAC[:-1]}8", f"{MAC[:-1]}8", "cache"),
        ("Ada", "", "cache"),
        ("#4", "", "lights"),
    ]
    assert SECRET not in repr(rows)


@pytest.mark.parametrize(
    ("where", "text", "words"),
    [
        ("t.csv", "", "it has no badge in it"),
        ("t.csv", "name,name\n", "line 1: the columns are name, name"),
        ("t.csv", "name,mode\na,lights,c\n", "line 2: 3 cells under 2 columns"),
        ("t.csv", "name,mode\na,lights\na,lights\n", "line 3: a stands in line 2 too"),
        ("t.csv", "nam,mode\na,lights\n", "line 2: nam: there is no such setting; is it name?"),
        ("t.csv", "mac,mode\n60:55,lights\n", "line 2: mac: '60:55' is no MAC"),
        ("t.yml", "- mac: 10:11:12:13:14:15\n  mode: lights\n", "line 1: mac: .* write it in quotes"),
        ("t.yml", "- {name: a, mode: lights}\n- {name: b, mode: dark}\n", "line 2: mode: 'dark' is no mode"),
        ("t.yml", "name: a\n", "it is no list"),
        ("t.yml", "- a\n", "line 1: it is no mapping"),
        ("t.yml", f"- {{router_passphrase: {SECRET}\n", "it is not YAML"),
        ("t.csv", f"mode,router_passphrase\ncache,{SECRET}\n", "router_ssid: it is missing"),
    ],
)
def test_mistakes(where: str, text: str, words: str) -> None:
    with pytest.raises(TableError, match=words) as error:
        read(text, where, {})
    assert SECRET not in str(error.value)


def test_all_mistakes_are_told_at_once_but_not_hundreds() -> None:
    with pytest.raises(TableError) as error:
        read("name,mode\n" + "".join(f"n{number},dark\n" for number in range(200)), "t.csv", {})
    assert str(error.value).count("\n") == 20
    assert "and 180 more" in str(error.value)


def test_badges_beside_a_table_of_macs_get_what_all_share_if_that_is_enough() -> None:
    by_mac = read(f"mac,mode\n{MAC},lights\n", "t.csv", {})
    assert shared_row({"mode": "lights"}, by_mac) is not None
    assert shared_row({"mode": "cache"}, by_mac) is None
    assert shared_row({"mode": "lights"}, read("name,mode\na,lights\n", "t.csv", {})) is None
    assert shared_row({}, ()) is None


def test_a_name_is_known_again_as_the_ledger_has_it() -> None:
    """White space of a spreadsheet's cell, which the ledger writes as one space, makes no other badge of it."""
    (row,) = read("name,mode\n Ada  Lovelace ,lights\n", "t.csv", {})
    (written,) = csv.reader(io.StringIO(line([row.id])))
    assert written == [row.id]


def test_names_that_the_ledger_cannot_tell_apart_are_refused() -> None:
    with pytest.raises(TableError, match="stands in line 2 too"):
        read("name,mode\nAda L,lights\nAda  L,lights\n", "t.csv", {})
