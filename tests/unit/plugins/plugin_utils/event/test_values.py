"""Scalars: what is taken, what it becomes, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network

import pytest
from ansible_collections.nixvegas.noc.plugins.plugin_utils.event import values
from ansible_collections.nixvegas.noc.plugins.plugin_utils.event.mistakes import nearest, shortened
from ansible_collections.nixvegas.noc.plugins.plugin_utils.event.values import Pool, WrongValueError

ED25519 = "AAAAC3NzaC1lZDI1NTE5AAAAIBFjhLH80pY1QJR1btcXhRE6SzKHxHHIAcxz91xolgIk"


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (values.label, "gvh-a", "gvh-a"),
        (values.label, "9", "9"),
        (values.label, "a" * 63, "a" * 63),
        (values.domain, "dc.nixos.lv", "dc.nixos.lv"),
        (values.address, "10.4.0.3", IPv4Address("10.4.0.3")),
        (values.cidr, "10.4.0.0/24", IPv4Network("10.4.0.0/24")),
        (values.pool, "10.4.0.1 - 10.4.0.9", Pool(IPv4Address("10.4.0.1"), IPv4Address("10.4.0.9"))),
        (values.mac, "02:00:5E:04:01:03", "02:00:5e:04:01:03"),
        (values.interface, "trunk0.2", "trunk0.2"),
        (values.timezone, "Etc/UTC", "Etc/UTC"),
        (values.server, "192.0.2.1", "192.0.2.1"),
        (values.server, "time.example.org", "time.example.org"),
        (values.url, "https://cache.nixos.org/", "https://cache.nixos.org"),
        (values.ssh_key, f"ssh-ed25519 {ED25519} me@here", f"ssh-ed25519 {ED25519} me@here"),
        (values.nix_key, "gvh-a-1", "gvh-a-1"),
        (values.boolean, "true", True),
        (values.secrets_folder, ".secrets", ".secrets"),
        (values.secrets_folder, "../vault", "../vault"),
        (values.secrets_folder, "~/vault", "~/vault"),
        (values.user, "a" * 32, "a" * 32),
        (values.site_domain, "camp.example", "camp.example"),
        (values.server, "time.example.org", "time.example.org"),
        (values.whole(1, 3, "a digit"), "3", 3),
    ],
)
def test_taken(read: Callable[[str], object], text: str, value: object) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (values.text, "  "),
        (values.label, "a" * 64),
        (values.label, "a-"),
        (values.label, "ä"),
        (values.domain, "localhost"),
        (values.domain, f"{'a.' * 127}aa"),
        (values.address, "10.4.0"),
        (values.address, "10.4.0.03"),
        (values.cidr, "10.4.0.0/7"),
        (values.pool, "10.4.0.9-"),
        (values.mac, "02-00-5e-04-01-03"),
        (values.mac, "01:00:5e:00:00:01"),
        (values.interface, "sixteen-letters-"),
        (values.timezone, "../etc/passwd"),
        (values.timezone, "Mars/Olympus"),
        (values.server, "1.2.3"),
        (values.url, "https://cache.nixos.org?priority=1"),
        (values.url, "cache.nixos.org"),
        (values.ssh_key, "ssh-ed25519"),
        (values.ssh_key, f"ssh-ed25519 {ED25519[:-8]}"),
        (values.nix_key, "name:"),
        (values.nix_key, " name"),
        (values.boolean, "yes"),
        (values.secrets_folder, "vault"),
        (values.user, "a" * 33),
        (values.site_domain, "10.1.2.3"),
        (values.site_domain, "camp.local"),
        (values.server, "::1"),
        (values.server, "127.0.0.1"),
        (values.outside_address, "0.0.0.0"),
        (values.text, "a\nb"),
        (values.text, " a"),
        (values.url, "https://cache.example.org:0"),
        (values.url, "https://cache.example.org/a b"),
        (values.mac, "00:00:00:00:00:00"),
        (values.cidr, "10.4.0.0/024"),
        (values.cidr, "10.4.0.0/255.255.255.0"),
        (values.whole(1, 99, "a port"), "053"),
        (values.whole(1, 99, "a port"), "9" * 5000),
        (values.whole(1, 99, "a port"), "+5"),
        (values.whole(1, 3, "a digit"), "4"),
        (values.whole(1, 3, "a digit"), "0x1"),
    ],
)
def test_refused(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(WrongValueError) as caught:
        read(text)
    assert caught.value.problem
    assert caught.value.remedy


def test_nearest() -> None:
    assert nearest("ruter", ["router", "mesh"], "classes") == 'did you mean "router"?'
    assert nearest("zzz", ["router", "mesh"], "classes") == "known classes: router, mesh"
    assert nearest("zzz", [], "caches") == "the file has no caches"
    assert nearest("zzz", [f"host{index}" for index in range(99)], "hosts").endswith("host11, …")


def test_shortened() -> None:
    assert shortened("a\nb") == "a b"
    assert len(shortened("a" * 100)) == 60
