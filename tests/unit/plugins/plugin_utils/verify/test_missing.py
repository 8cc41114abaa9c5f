# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is not asked is said, with why."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.nixvegas.noc.plugins.plugin_utils.verify.missing import missing

ASKED = {"verify_asked": {"results": []}}


@pytest.fixture
def laptop(promises: dict[str, Any]) -> dict[str, Any]:
    """A client on arena, of which everything is asked."""
    return {**promises, **ASKED, "verify_networks": {"arena": promises["verify_networks"]["arena"]}}


@pytest.fixture
def crew(promises: dict[str, Any]) -> dict[str, Any]:
    """A client on build, which has neither exit nor caches, and no pool."""
    return {**promises, **ASKED, "verify_network": "build"}


def test_nothing_is_missing(laptop: dict[str, Any]) -> None:
    assert missing({"laptop": laptop, "ghostgate": {}}, ["laptop"]) == []


@pytest.mark.parametrize("variable", ["verify_address_page", "verify_upstream_closure", "verify_failover"])
def test_a_variable_that_no_client_has(laptop: dict[str, Any], variable: str) -> None:
    (line,) = missing({"laptop": {**laptop, variable: None}}, ["laptop"])
    assert line.endswith(f": {variable} is not set")
    assert "laptop" not in line


def test_a_variable_that_one_client_lacks(laptop: dict[str, Any]) -> None:
    other = {name: value for name, value in laptop.items() if name != "verify_upstream_closure"}
    assert missing({"laptop": laptop, "other": other}, ["laptop", "other"]) == [
        "a closure signed by upstream, from the caches, from other: verify_upstream_closure is not set"
    ]


def test_what_the_event_does_not_promise(laptop: dict[str, Any], crew: dict[str, Any]) -> None:
    assert missing({"laptop": laptop, "crew": crew}, ["laptop", "crew"]) == [
        "the address the internet sees, the tunnel, from crew: network build has no exit",
        "the caches, from crew: nothing is published to build",
    ]


def test_networks_nobody_asks_from(promises: dict[str, Any]) -> None:
    text = "anything from build, which has no pool of addresses: no host of the group 'clients' is on it"
    assert missing({"laptop": {**promises, **ASKED}}, ["laptop"]) == [text]
    promises["verify_networks"]["build"]["pool"] = {"first": "10.4.1.128", "last": "10.4.1.254"}
    text = "anything from build: no host of the group 'clients' is on it"
    assert missing({"laptop": {**promises, **ASKED}}, ["laptop"]) == [text]


def test_clients_outside_the_run(laptop: dict[str, Any]) -> None:
    other = {name: value for name, value in laptop.items() if name not in ASKED}
    assert missing({"laptop": laptop, "other": other}, ["laptop", "other"]) == [
        "anything from other, on arena: it is not in this run (--limit)"
    ]


def test_check_mode(laptop: dict[str, Any]) -> None:
    (line,) = missing({"laptop": laptop}, ["laptop"], check_mode=True)
    assert line == "a stopped cache server, a stopped tunnel: check mode interrupts nothing"


def test_no_clients() -> None:
    assert missing({"ghostgate": ASKED}, []) == []
