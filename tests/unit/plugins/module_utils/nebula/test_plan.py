# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When certificates are signed anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.nebula.plan import (
    HostState,
    bounded,
    expected_end,
    plan_of,
    request_of,
    warnings_about,
)
from ansible_collections.nixvegas.noc.plugins.module_utils.nebula.program import Certificate, NebulaError, Request

NOW = datetime(2026, 8, 1, tzinfo=UTC)
DAY = timedelta(days=1)
CA = Certificate("dc33", (), (), (), NOW - DAY, NOW + 700 * DAY, "", "aa" * 32, "ca" * 32, True)
KEY = "bb" * 32
REQUEST = Request("ghostgate", "10.6.7.1/16", ("lighthouse", "router"), ("10.4.0.0/24",))
CERTIFICATE = Certificate(
    name="ghostgate",
    addresses=("10.6.7.1/16",),
    groups=("lighthouse", "router"),
    subnets=("10.4.0.0/24",),
    not_before=NOW - DAY,
    not_after=NOW + 300 * DAY,
    issuer=CA.fingerprint,
    public_key=KEY,
    fingerprint="cc" * 32,
    is_ca=False,
)
STATE = HostState(KEY, "", CERTIFICATE, "", "", True, ())


def plan(state: HostState = STATE, request: Request = REQUEST, authority: Certificate = CA):
    return plan_of(request, state, [authority], now=NOW, renew_before=30 * DAY)


def test_what_fits_is_left_alone():
    assert not plan().changed
    assert plan().after == CERTIFICATE.fields()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": "old"}, "name: old becomes ghostgate"),
        ({"addresses": ("10.6.7.9/16",)}, "address: 10.6.7.9/16 becomes 10.6.7.1/16"),
        ({"groups": ()}, "groups: none becomes lighthouse, router"),
        ({"subnets": ("0.0.0.0/0",)}, "subnets: 0.0.0.0/0 becomes 10.4.0.0/24"),
        ({"public_key": "dd" * 32}, "the certificate belongs to another key than the host's"),
        ({"issuer": "ee" * 32}, "it was signed by another CA than 'dc33' (cacacacacacacaca…)"),
        ({"not_after": NOW + 29 * DAY}, "it expires on 2026-08-30T00:00:00+00:00"),
        ({"not_after": NOW - DAY}, "it expires on 2026-07-31T00:00:00+00:00"),
    ],
)
def test_each_change_is_a_reason_of_its_own(change, reason):
    result = plan(replace(STATE, certificate=replace(CERTIFICATE, **change)))
    assert result.reasons == [reason]
    assert result.after["fingerprint"] == "(known once signed)"
    assert result.after["not_after"] == "2028-06-30T23:59:59+00:00"


@pytest.mark.parametrize("days", [30, 31])
def test_expiry_in_the_distance_is_no_reason(days):
    assert not plan(replace(STATE, certificate=replace(CERTIFICATE, not_after=NOW + days * DAY))).changed


def test_a_ca_that_expires_soon_does_not_cause_a_signature_on_every_run():
    authority = replace(CA, not_after=NOW + 10 * DAY)
    certificate = replace(CERTIFICATE, not_after=authority.not_after - timedelta(seconds=1))
    assert not plan(replace(STATE, certificate=certificate), authority=authority).changed
    assert "expires on 2026-08-11" in warnings_about(authority, NOW, 30 * DAY)[0]
    assert warnings_about(CA, NOW, 30 * DAY) == []


@pytest.mark.parametrize(
    ("state", "reasons"),
    [
        (
            HostState("", "there is no private key", None, "there is no certificate", "", False, ()),
            ["there is no private key", "there is no certificate"],
        ),
        (replace(STATE, public_key="", key_problem="the key is damaged"), ["the key is damaged"]),
        (replace(STATE, certificate=None, certificate_problem="it is torn"), ["it is torn"]),
        (replace(STATE, doubt="signature"), ["the CA does not vouch for it: signature"]),
    ],
)
def test_what_is_missing_or_damaged_is_named(state, reasons):
    assert plan(state).reasons == reasons


def test_other_changes_keep_the_certificate():
    result = plan(replace(STATE, trusts_authorities=False, wrong_modes=("host.key: 0644 becomes 0600",)))
    assert result.changed
    assert result.reasons == []
    assert result.after["fingerprint"] == CERTIFICATE.fingerprint
    assert result.other_changes == ["host.key: 0644 becomes 0600", "trusted CAs become: " + "ca" * 32]


def test_the_diff_shows_fields_and_reasons():
    diff = plan(replace(STATE, certificate=replace(CERTIFICATE, groups=("router",)))).diff("/etc/nebula")
    assert diff["before"].splitlines()[2] == "groups: router"
    assert diff["after"].splitlines()[2] == "groups: lighthouse, router"
    assert diff["after"].splitlines()[-1] == "# groups: router becomes lighthouse, router"


def test_only_a_matching_pair_is_usable():
    assert STATE.usable
    assert not replace(STATE, public_key="dd" * 32).usable
    assert not replace(STATE, certificate=None).usable


def test_requests_are_normalised():
    request = request_of("vivec", "10.6.8.1/16", ["b", "a", "b"], ["10.5.0.0/16", "10.4.0.0/24"])
    assert request.groups == ("a", "b")
    assert request.subnets == ("10.4.0.0/24", "10.5.0.0/16")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("", "10.6.8.1/16", [], []), "name: '' is empty or has spaces; give the host's name"),
        (("a", "10.6.8.1", [], []), "address: '10.6.8.1' lacks the overlay's prefix length; write it like 10.6.7.1/16"),
        (("a", "fd00::1/64", [], []), "address: 'fd00::1/64' is no IPv4 address"),
        (("a", "10.6.8.1/16", ["x,y"], []), "groups: 'x,y' is empty or has a comma or outer spaces"),
        (("a", "10.6.8.1/16", [], ["10.4.0.1/24"]), "subnets: '10.4.0.1/24' is no IPv4 network"),
    ],
)
def test_wrong_requests_are_refused(arguments, message):
    with pytest.raises(NebulaError) as caught:
        request_of(*arguments)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("authority", "message"),
    [
        (replace(CA, not_after=NOW), "the CA 'dc33' expired on 2026-08-01T00:00:00+00:00"),
        (CERTIFICATE, "the certificate 'ghostgate' is not a CA's"),
    ],
)
def test_a_ca_that_cannot_sign_is_refused(authority, message):
    with pytest.raises(NebulaError, match="nebula_ca") as caught:
        plan(authority=authority)
    assert str(caught.value).startswith(message)


def test_durations_end_with_the_ca():
    short, long = replace(REQUEST, duration=90 * DAY), replace(REQUEST, duration=9000 * DAY)
    assert expected_end(short, CA, NOW) == NOW + 90 * DAY
    assert expected_end(long, CA, NOW) == CA.not_after - timedelta(seconds=1)
    assert bounded(short, CA, NOW) == short
    assert bounded(long, CA, NOW).duration is None
