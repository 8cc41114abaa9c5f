# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What programs say about secret files is not passed on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config import transaction
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.commands import Result
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.model import (
    Apply,
    Health,
    Request,
    Service,
    ServiceConfigError,
)
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.plan import Change
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.sandbox import Report
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.secrecy import mask

from .helpers import FakeHost, Unit, wanted


@pytest.mark.parametrize(
    ("text", "secret", "public", "masked"),
    [
        ("invalid value 'c2VjcmV0'", "secret: c2VjcmV0", "", "invalid value '(secret)'"),
        ("invalid c2VjcmV0==.", "c2VjcmV0==\n", "", "invalid (secret)."),
        ("a-value-more a-value", "{x='a-value';y=a-value-more}", "", "(secret) (secret)"),
        ("key hmac-sha256 is bad", "key: hmac-sha256", "use hmac-sha256", "key hmac-sha256 is bad"),
        ("short", "short", "", "short"),
        ("a.*+z aXXXXz", "a.*+z?", "", "a.*+z aXXXXz"),
        ("a.*+z? aXXXXz", "a.*+z?", "", "(secret) aXXXXz"),
        ("word by word", "first-one second-one", "", "word by word"),
    ],
)
def test_words_of_secrets_are_masked(text: str, secret: str, public: str, masked: str) -> None:
    assert mask(text, [secret.encode()], [public.encode()]) == masked


OLD, NEW = "former-password", "present-password"
SAID = f"bad line: {NEW} (was {OLD}), near public-word"


class Bench:
    """A secret file that changes, and programs that repeat it."""

    def __init__(self, top: Path) -> None:
        self.top = top
        (top / "key").write_text(f"password = {OLD}\n")
        self.host = FakeHost({"x.service": Unit("active", "enabled")}, log=SAID)
        self.request = Request(
            "bench",
            (wanted(top / "key", f"password = {NEW}\n", secret=True), wanted(top / "conf", "public-word\n")),
            health_timeout=0,
        )

    def run(self, *, check_mode: bool = False) -> transaction.Outcome:
        return transaction.Transaction(
            self.request, self.host.run, check_mode=check_mode, state_folder=self.top / "state"
        ).execute()

    def refusal(self) -> str:
        with pytest.raises(ServiceConfigError) as caught:
            self.run()
        # Ansible may show what an error was raised from.
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
        return str(caught.value)


MASKED = "(secret) (was (secret)), near public-word"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_failing_check_does_not_tell(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_changes: Sequence[Change], *_arguments: object, tolerant: bool) -> Report:
        assert not tolerant
        return Report((Result(1, stderr=SAID),))

    monkeypatch.setattr(transaction, "run_checks", refuse)
    bench.request = replace(bench.request, checks=(("conf-check", str(bench.top / "conf")),))
    message = bench.refusal()
    assert MASKED in message
    assert f"conf-check {bench.top / 'conf'} refuses the new files" in message


@pytest.mark.skipif(os.geteuid() != 0, reason="mount namespaces need root")
def test_a_failing_check_does_not_tell_from_the_sandbox(bench: Bench) -> None:
    bench.request = replace(bench.request, checks=(("conf-check",),))
    bench.host.answers["conf-check"] = Result(1, stdout=SAID)
    assert MASKED in bench.refusal()


def test_failing_health_does_not_tell(bench: Bench) -> None:
    bench.request = replace(bench.request, health=(Health(("ask",)),))
    bench.host.answers["ask"] = Result(1, stdout=SAID)
    assert MASKED in bench.refusal()


def test_a_failing_unit_and_its_log_do_not_tell(bench: Bench) -> None:
    bench.host.units["x.service"] = Unit("inactive", "enabled", starts=False)
    bench.request = replace(bench.request, services=(Service("x.service", state="started"),))
    assert MASKED in bench.refusal()


def test_a_failing_rollback_does_not_tell(bench: Bench) -> None:
    bench.request = replace(bench.request, apply=(Apply(("activate",)),))
    bench.host.answers["activate"] = Result(1, stderr=SAID)
    message = bench.refusal()
    assert message.count(MASKED) == 2
    assert OLD not in message


def test_a_repair_does_not_tell(bench: Bench) -> None:
    bench.run()
    bench.request = replace(bench.request, health=(Health(("ask",)),))
    bench.host.answers["ask"] = Result(1, stdout=f"no: {NEW}")
    assert "repair: ask ended with 1: no: (secret)" in bench.run(check_mode=True).notes
    assert NEW not in bench.refusal()


def test_a_recovery_that_fails_does_not_tell(bench: Bench) -> None:
    bench.request = replace(bench.request, apply=(Apply(("activate",)),))
    bench.host.answers["activate"] = Result(1, stderr=SAID)
    bench.refusal()
    bench.host.answers["activate"] = [Result(1, stderr=SAID), Result(0)]
    warnings = bench.run().warnings
    assert [MASKED in warning for warning in warnings] == [True]
