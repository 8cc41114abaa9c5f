"""Settings: what is taken, what is refused and how, and what of them stands in the flash."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.badge import nvs, stored
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.nvs import Entry, Type
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.settings import (
    Mode,
    SettingsError,
    entries,
    mode_of,
    parse,
)

PASSPHRASE = "RebuildTheWorld"
WIFI = {"router_ssid": "NixVegas", "router_passphrase": PASSPHRASE, "cache_upstream": "cache.nixos.lv"}


def mistakes(values: dict[str, Any]) -> list[str]:
    with pytest.raises(SettingsError) as error:
        parse(values)
    return list(error.value.mistakes)


def config(values: dict[str, Any]) -> dict[str, int | str]:
    return nvs.read(nvs.build(entries(parse(values))))["config"]


def test_lights_alone_need_nothing() -> None:
    assert config({"mode": "lights"}) == {
        "boot_mesh": 0,
        "cache_p2p": 1,
        "cache_use_https": 0,
        "cache_priority": 40,
        "cache_store": "/nix/store",
    }


def test_everything(certificate: str) -> None:
    values = {
        "mode": "peer",
        "name": "Zoë",
        **WIFI,
        "cache_certificate": certificate,
        "cache_priority": 7,
        "cache_store": "/guix/store",
    }
    assert config(values) == {
        "boot_mesh": 1,
        "cache_p2p": 0,
        "cache_use_https": 1,
        "cache_priority": 7,
        "cache_store": "/guix/store",
        "cache_upstream": "cache.nixos.lv",
        "cache_cert": certificate,
        "router_ssid": "NixVegas",
        "router_passwd": PASSPHRASE,
        "name": "Zoë",
    }


def test_types_are_the_firmwares() -> None:
    types = {entry.key: entry.type for entry in entries(parse({"mode": "cache", **WIFI}))}
    assert {key for key, kind in types.items() if kind is Type.U8} == {"boot_mesh", "cache_p2p", "cache_use_https"}
    assert {key for key, kind in types.items() if kind is Type.U32} == {"cache_priority"}


@pytest.mark.parametrize("mode", Mode)
def test_the_mode_can_be_read_back(mode: Mode) -> None:
    assert mode_of(config({"mode": mode.value, **WIFI})) is mode
    assert mode_of({}) is None
    assert mode_of({"boot_mesh": 1}) is None


def test_left_out_cells_of_a_table_take_their_defaults() -> None:
    empty = {"name": "", "router_ssid": None, "cache_priority": "", "cache_certificate": ""}
    assert parse({"mode": "lights", **empty}) == parse({"mode": "lights"})
    assert parse({"mode": "lights", "cache_priority": "12"}).cache_priority == 12


def test_longest_values_fit_the_firmwares_buffers() -> None:
    values = {"mode": "cache", **WIFI, "router_ssid": "é" * 15 + "x", "router_passphrase": "~" * 63}
    assert config(values)["router_ssid"] == "é" * 15 + "x"


RESTART = "the badge would restart over and over without it"


@pytest.mark.parametrize("mode", ["cache", "peer"])
def test_wifi_without_a_network_is_refused(mode: str) -> None:
    assert mistakes({"mode": mode}) == [
        f"{key}: it is missing; in mode {mode} {RESTART}"
        for key in ("router_ssid", "router_passphrase", "cache_upstream")
    ]


def test_half_a_network_is_refused() -> None:
    assert mistakes({"mode": "lights", "router_ssid": "NixVegas"}) == [
        f"{key}: it is missing; beside router_ssid, {RESTART} when its button is held"
        for key in ("router_passphrase", "cache_upstream")
    ]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("mode", "disco", "mode: it is no mode; choose one of lights, cache, peer"),
        ("mode", None, "mode: it is missing; choose one of lights, cache, peer"),
        ("cache_prioritiy", 1, "cache_prioritiy: there is no such setting; is it cache_priority?"),
        ("name", 7, "name: it is no text; quote it if it looks like a number"),
        ("name", "a\nb", "name: it has characters that cannot be printed; leave them out"),
        ("name", "x" * 32, "name: it has 32 bytes; write 31 at most"),
        ("router_ssid", "é" * 16, "router_ssid: it has 32 bytes; write 31 at most"),
        ("cache_upstream", "http://c.example", "cache_upstream: it is no host; write its name or IPv4 "
         "address without https://, port or path, as cache.example.org"),
        ("cache_priority", -1, "cache_priority: it is no priority; write an integer from 0 to 2147483647"),
        ("cache_priority", True, "cache_priority: it is no priority; write an integer from 0 to 2147483647"),
        ("cache_priority", "2147483648", "cache_priority: it is no priority; write an integer from 0 to "
         "2147483647"),
        ("cache_store", "/nix/store/", "cache_store: it is no store; write an absolute path without a slash "
         "at its end, as /nix/store"),
        ("cache_certificate", "hello", "cache_certificate: it is no certificate; give the content of a PEM file "
         "(-----BEGIN CERTIFICATE-----)"),
        ("cache_certificate", "é", "cache_certificate: it is no certificate; give the content of a PEM file "
         "(-----BEGIN CERTIFICATE-----)"),
        ("cache_certificate", 1, "cache_certificate: it is no text; give the content of a PEM file"),
        ("cache_certificate", "x" * 4000, "cache_certificate: it has 4000 bytes; a badge can hold 3967"),
    ],
)  # fmt: skip
def test_mistakes_name_the_field_and_what_is_right_but_no_value(key: str, value: object, expected: str) -> None:
    assert mistakes({"mode": "cache", **WIFI, key: value}) == [expected]


@pytest.mark.parametrize("host", ["10.33.0.1", "cache", "a-1.example.org", "4chan.example"])
def test_hosts(host: str) -> None:
    assert config({"mode": "cache", **WIFI, "cache_upstream": host})["cache_upstream"] == host


@pytest.mark.parametrize(
    "host",
    ["10.33.0.256", "1.2.3", "a_b", "-a", "a..b", "a:80", "a/b", "::1", "a" * 64, "é", 1, "a.b." * 64 + "a", "a\n"],
)
def test_no_hosts(host: object) -> None:
    assert mistakes({"mode": "cache", **WIFI, "cache_upstream": host})[0].startswith("cache_upstream: ")


@pytest.mark.parametrize("wrong", ["seven77", "x" * 64, "with\ttab-", "Zoë's badge", 12345678])
def test_a_wrong_passphrase_is_not_said(wrong: object) -> None:
    (mistake,) = mistakes({"mode": "cache", **WIFI, "router_passphrase": wrong})
    assert mistake.startswith("router_passphrase: it ")
    assert str(wrong) not in mistake


def test_a_private_key_is_refused_and_not_said(certificate: str) -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n"
    (mistake,) = mistakes({"mode": "cache", **WIFI, "cache_certificate": certificate + key})
    assert mistake.startswith("cache_certificate: it has a private key in it")
    assert "MC4C" not in mistake


def test_a_page_stays_free_for_the_driver(certificate: str) -> None:
    (mistake,) = mistakes({"mode": "cache", **WIFI, "cache_certificate": certificate.ljust(3900, "\n")})
    assert mistake.startswith("cache_certificate: it has 3900 bytes, and all settings must fit into 4096 bytes")


def test_all_mistakes_are_said_at_once() -> None:
    assert [line.partition(":")[0] for line in mistakes({"mode": "x", "nme": 1, "name": 1, "router_ssid": "\n"})] == [
        "nme",
        "mode",
        "name",
        "router_ssid",
        "router_passphrase",
        "cache_upstream",
    ]


def test_no_passphrase_in_a_representation() -> None:
    settings = parse({"mode": "cache", **WIFI})
    assert PASSPHRASE not in repr(settings) + repr(entries(settings))


def test_a_badge_that_ran_does_not_differ() -> None:
    wanted = entries(parse({"mode": "cache", **WIFI}))
    ran = nvs.build([Entry("nvs.net80211", "opmode", Type.U8, 2), *reversed(wanted)])
    assert stored.differences(ran, wanted) == []


def test_differences_show_no_secret(certificate: str) -> None:
    before = nvs.build([*entries(parse({"mode": "cache", **WIFI})), Entry("config", "old", Type.U8, 1)])
    after = entries(
        parse({"mode": "peer", **WIFI, "router_passphrase": "correct horse", "cache_certificate": certificate})
    )
    found = stored.differences(before, after)
    assert [line for line in found if not line.startswith("cache_cert")] == [
        "cache_p2p: 1 (u8) -> 0 (u8)",
        "cache_use_https: 0 (u8) -> 1 (u8)",
        "old: 1 (u8) -> (absent)",
        "router_passwd: (secret) -> (secret, differs)",
    ]
    assert found[0].startswith(f"cache_cert: (absent) -> {len(certificate)} bytes, SHA-256 ")
    assert stored.differences(b"", after)[-2] == "router_passwd: (absent) -> (secret)"


def test_a_wrong_type_is_a_difference() -> None:
    image = nvs.build([Entry("config", "boot_mesh", Type.U32, 1)])
    assert stored.differences(image, [Entry("config", "boot_mesh", Type.U8, 1)]) == ["boot_mesh: 1 (u32) -> 1 (u8)"]


def test_what_is_shown_of_an_image() -> None:
    image = nvs.build(entries(parse({"mode": "cache", **WIFI})))
    other = nvs.build(entries(parse({"mode": "cache", **WIFI, "router_passphrase": "correct horse"})))
    assert stored.describe(image)["router_passwd"] == "(secret)"
    assert stored.describe(image)["router_ssid"] == "NixVegas"
    assert stored.describe(b"") == {}
    assert "router_passwd: (secret)\nrouter_ssid: 'NixVegas'\n" in stored.lines(image)
    assert stored.lines(image, image) == stored.lines(image) == stored.lines(other)
    assert "router_passwd: (secret, differs)\n" in stored.lines(other, image)
