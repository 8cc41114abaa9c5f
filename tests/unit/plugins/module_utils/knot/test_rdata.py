# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and data in canonical text, by tables; what cannot be right is refused with a reason."""

from __future__ import annotations

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.knot.rdata import (
    DataError,
    canonical_data,
    canonical_name,
    canonical_zone,
)
from hypothesis import given
from hypothesis import strategies as st

ZONE = "dc.nixos.lv."


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("@", "dc.nixos.lv."),
        ("saitama.build", "saitama.build.dc.nixos.lv."),
        ("Saitama.BUILD.dc.nixos.lv.", "saitama.build.dc.nixos.lv."),
        ("*", "*.dc.nixos.lv."),
        ("_ntp._udp", "_ntp._udp.dc.nixos.lv."),
        ("other.example.", "other.example."),
        (".", "."),
        ("notdc.nixos.lv.", "notdc.nixos.lv."),
        ("lv", "lv.dc.nixos.lv."),
    ],
)
def test_names(name: str, expected: str) -> None:
    """Lower-case and absolute; relative to the zone without a final dot."""
    assert canonical_name(name, ZONE) == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a b", "'a b' is not a domain name: label 'a b' must be 1 to 63 letters, digits, '-' or '_'"),
        ("", "'' is not a domain name: label '' must be 1 to 63 letters, digits, '-' or '_'"),
        ("a..b", "'a..b' is not a domain name: label '' must be 1 to 63 letters, digits, '-' or '_'"),
        (
            "x" * 64,
            f"{'x' * 64!r} is not a domain name: label {'x' * 64!r} must be 1 to 63 letters, digits, '-' or '_'",
        ),
        (".".join(["x" * 60] * 5), f"{'.'.join(['x' * 60] * 5)!r} is not a domain name: longer than 253 characters"),
        ("x.dc.nixos.lv", "'x.dc.nixos.lv' ends with the zone's own name: add a final dot, or leave 'dc.nixos.lv' out"),
        ("dc.nixos.lv", "'dc.nixos.lv' ends with the zone's own name: add a final dot, or leave 'dc.nixos.lv' out"),
        ("x\nevil", "'x\\nevil' is not a domain name: label 'x\\nevil' must be 1 to 63 letters, digits, '-' or '_'"),
    ],
)
def test_wrong_names(name: str, message: str) -> None:
    """The error says what is wrong and what would be right."""
    with pytest.raises(DataError) as caught:
        canonical_name(name, ZONE)
    assert str(caught.value) == message


@pytest.mark.parametrize("name", ["DC.nixos.lv", "dc.nixos.lv."])
def test_zones(name: str) -> None:
    """Zones are absolute with and without a final dot."""
    assert canonical_zone(name) == ZONE


@pytest.mark.parametrize(
    ("rtype", "data", "expected"),
    [
        ("A", "10.4.1.3", "10.4.1.3"),
        ("AAAA", "FD00:0:0::1", "fd00::1"),
        ("CNAME", "Saitama.build", "saitama.build.dc.nixos.lv."),
        ("PTR", "saitama.build.dc.nixos.lv.", "saitama.build.dc.nixos.lv."),
        ("MX", "010 mail", "10 mail.dc.nixos.lv."),
        ("MX", "0 .", "0 ."),
        ("SRV", "0  5 8080 saitama.build", "0 5 8080 saitama.build.dc.nixos.lv."),
        ("CAA", "0 ISSUE letsencrypt.org", '0 issue "letsencrypt.org"'),
        ("CAA", '0 issue "letsencrypt.org" ', '0 issue "letsencrypt.org"'),
        ("SSHFP", "1 2 abcd EF01", "1 2 ABCDEF01"),
        ("TXT", "one text", '"one text"'),
        ("TXT", '"a b" "c;d"', '"a b" "c;d"'),
        ("TXT", '"a" b', '"a" "b"'),
        ("TXT", '"\\"\\\\\\195\\169"', '"\\"\\\\\\195\\169"'),
        ("TXT", 'v "x" é\\', '"v \\"x\\" \\195\\169\\\\"'),
        ("TXT", "", '""'),
        ("TXT", "x" * 300, f'"{"x" * 255}" "{"x" * 45}"'),
        ("SOA", "ns host 1 2 3 4 5", "ns.dc.nixos.lv. host.dc.nixos.lv. 1 2 3 4 5"),
        ("HTTPS", '1  . alpn="h2"', '1 . alpn="h2"'),
    ],
)
def test_data(rtype: str, data: str, expected: str) -> None:
    """Data in the text Knot prints, which is canonical itself."""
    assert canonical_data(rtype, data, ZONE) == expected
    assert canonical_data(rtype, expected, ZONE) == expected


@pytest.mark.parametrize(
    ("rtype", "data", "message"),
    [
        ("A", "10.4.1", "'10.4.1' is not an IPv4 address (Expected 4 octets in '10.4.1')"),
        ("A", "fd00::1", "'fd00::1' is not an IPv4 address (Expected 4 octets in 'fd00::1')"),
        ("A", "10.4.1.3 10.4.1.4", "'10.4.1.3 10.4.1.4' has 2 fields, A has 1: ipv4"),
        ("AAAA", "10.4.1.3", "'10.4.1.3' is not an IPv6 address (At least 3 parts expected in '10.4.1.3')"),
        ("MX", "mail", "'mail' has 1 fields, MX has 2: u16 name"),
        ("MX", "-1 mail", "'-1' is not a number from 0 to 65535"),
        ("SRV", "0 0 65536 x", "'65536' is not a number from 0 to 65535"),
        ("SSHFP", "1 2 xyz", "'xyz' is not hexadecimal (non-hexadecimal number found in fromhex() arg at position 0)"),
        ("PTR", "saitama", "'saitama' is relative to the reverse zone: end it with a dot"),
        ("TXT", '"open', "'\"open' has a quote that is not closed"),
        ("CAA", '0 issue "x', "'0 issue \"x' has a quote that is not closed"),
        ("TXT", f'"{"x" * 256}"', "a quoted string of 256 bytes is longer than 255: split it"),
        ("TXT", '"\\999"', '\\999 in "\\999" is not a byte: 000 to 255'),
        ("TXT", "a\n$INCLUDE /etc/shadow", "'a\\n$INCLUDE /etc/shadow' spans several lines: give one record an item"),
        ("HTTPS", "1 .\n", "'1 .\\n' spans several lines: give one record an item"),
    ],
)
def test_wrong_data(rtype: str, data: str, message: str) -> None:
    """The error says what is wrong."""
    with pytest.raises(DataError) as caught:
        canonical_data(rtype, data, ZONE)
    assert str(caught.value) == message


@given(st.text(alphabet=st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), min_size=1))
def test_texts_are_stable(text: str) -> None:
    """What Knot would print for any text is its own canonical text."""
    quoted = canonical_data("TXT", "x" + text, ZONE)
    assert canonical_data("TXT", quoted, ZONE) == quoted
