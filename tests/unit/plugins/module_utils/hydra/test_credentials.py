# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials in texts are hidden; what is none stays readable."""

from __future__ import annotations

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.hydra.credentials import (
    shown,
    without_credentials,
    without_name,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://user:pass@x.org/a.git main", "https://***@x.org/a.git main"),
        ("https://token@x.org/a.git", "https://***@x.org/a.git"),
        ("https://:pass@x.org/", "https://***@x.org/"),
        ("https://user:pa/ss@x.org/a.git", "https://***@x.org/a.git"),
        ("https://user:pa@ss@x.org/a.git", "https://***@x.org/a.git"),
        ("https://user:p@s/s@x.org/a.git", "https://***@x.org/a.git"),
        ("https://user:1234@x.org/a.git", "https://***@x.org/a.git"),
        ("https://user:12/34@x.org/a.git", "https://***@x.org/a.git"),
        ("https://to/ken@x.org/a.git", "https://***@x.org/a.git"),
        ("https://user:pa ss@x.org/a.git", "https://***@x.org/a.git"),
        ("https://user:pass", "https://***"),
        ("ssh://git:pass@x.org/a", "ssh://***@x.org/a"),
        ("git+https://user:pass@x.org/a", "git+https://***@x.org/a"),
        ("https://x.org/a?access_token=abc&b=c#d", "https://x.org/a?access_token=***&b=c#d"),
        ("https://x.org/a?b=c&PASSWORD=abc", "https://x.org/a?b=c&PASSWORD=***"),
        ("x.org/a?b=c?token=d", "x.org/a?b=c?token=***"),
        ("x.org/a?token=\"b?password=c'd", "x.org/a?token=\"b?password=***'d"),
        ('x.org/a?token=b"c?password=d e&secret=f', 'x.org/a?token=***"c?password=*** e&secret=***'),
        ("https://x.org/a#access_token=abc", "https://x.org/a#access_token=***"),
        ("https://x.org/a?b=c;token=abc", "https://x.org/a?b=c;token=***"),
        ("https://x.org/a?b=c&amp;token=abc", "https://x.org/a?b=c&amp;token=***"),
        ("https://x.org/a?b=c\\u0026token=abc", "https://x.org/a?b=c\\u0026token=***"),
        ("https://x.org/a?key=abc", "https://x.org/a?key=***"),
        ("https://x.org/a?auth=abc", "https://x.org/a?auth=***"),
        ("https://x.org/a?se=1&sig=abc%3D", "https://x.org/a?se=1&sig=***"),
        ("https:\\/\\/user:pass@x.org\\/a", "https:\\/\\/***@x.org\\/a"),
        ("https:\\/\\/token@x.org\\/a", "https:\\/\\/***@x.org\\/a"),
        ("//user:pass@x.org/a", "//***@x.org/a"),
        ("src = //user:pa/ss@x.org/a", "src = //***@x.org/a"),
        ("1+https://token@x.org", "1+https://***@x.org"),
        ('"https://u:p@x.org" and https://v:q@y.org.', '"https://***@x.org" and https://***@y.org.'),
    ],
)
def test_hidden(text: str, expected: str) -> None:
    assert without_credentials(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "https://x.org/a.git main",
        "https://x.org:8443/a.git",
        "http://127.0.0.1:3000.",
        "http://[::1]:3000/x",
        "POST requests should come from ‘http://127.0.0.1:63333/’.",
        "https://x.org/@scope/a@v1",
        "ssh://git@x.org/a.git",
        "git+ssh://git@x.org/a.git?ref=main&rev=abc",
        "git@x.org:a.git",
        "github:NixOS/nixpkgs/master",
        "path:///srv/a@b",
        "ops@example.org",
        "token=abc",
        "github:a/b?rev=abc&ref=main&monkey=1",
        "// note: mail ops@example.org",
        # Long texts, which take minutes where a pattern is tried anew at each character.
        "?token" * 30_000,
        "-//a:" * 60_000,
        "a" * 300_000,
    ],
    ids=lambda text: text[:40],
)
def test_not_hidden(text: str) -> None:
    assert without_credentials(text) == text


@pytest.mark.parametrize("text", ["?token=" * 40_000, "?token=a " * 30_000, "://a: " * 50_000, "a@://" * 60_000])
def test_long_texts(text: str) -> None:
    """Which take minutes where a pattern is tried anew at each character."""
    assert without_credentials(text)


def test_name_is_a_word() -> None:
    assert without_name("alice, alice-2 and malice; ‘alice’", "alice") == "***, alice-2 and malice; ‘***’"
    assert without_name("nobody", None) == "nobody"


def test_whole_data() -> None:
    data = {"a": ["https://u:p@x.org", 5, None], "https://u:p@x.org": {"b": True}}
    assert shown(data) == {"a": ["https://***@x.org", 5, None], "https://***@x.org": {"b": True}}
