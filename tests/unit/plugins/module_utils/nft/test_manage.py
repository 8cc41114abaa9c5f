# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans and their execution, on a host that obeys nft."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.nft.boot import DROP_IN_PATH, MAIN_PATH, MAIN_TEXT, SERVICE
from ansible_collections.nixvegas.noc.plugins.module_utils.nft.host import NftError
from ansible_collections.nixvegas.noc.plugins.module_utils.nft.manage import Host
from ansible_collections.nixvegas.noc.plugins.module_utils.nft.plan import Plan, Wanted
from ansible_collections.nixvegas.noc.plugins.module_utils.nft.ruleset import RulesetError, parse

from .fake_host import SMALL, FakeHost

WANTED = Wanted("trial", SMALL, parse(SMALL))
ABSENT = Wanted("trial", "", ())
ONLY_INET = "table inet small { }"
FILE = "/etc/nftables.d/trial.nft"


@pytest.fixture
def fake(tmp_path: Path) -> FakeHost:
    """A host without any tables or files."""
    fake = FakeHost(tmp_path)
    fake.teach(ONLY_INET, '{"nftables": [{"table": {"family": "inet", "name": "small"}}]}')
    return fake


def host(fake: FakeHost) -> Host:
    """The host as the module sees it."""
    return Host(fake.run, root=fake.folder)


def applied(fake: FakeHost, wanted: Wanted) -> Plan:
    """Plan and apply all of it."""
    plan = host(fake).plan(wanted)
    host(fake).apply_tables(plan)
    host(fake).apply_boot(plan)
    return plan


def whats(plan: Plan) -> list[str]:
    """What changes."""
    return [change.what for change in plan.changes]


def test_first_time(fake: FakeHost) -> None:
    """Everything is new; a second look finds nothing to do."""
    plan = applied(fake, WANTED)
    tables = ["table inet small (kernel)", "table ip small_too (kernel)"]
    assert whats(plan) == [*tables, FILE, MAIN_PATH, DROP_IN_PATH, SERVICE]
    diff = plan.changes[-1].as_diff()
    assert (diff["before_header"], diff["after_header"]) == (SERVICE, SERVICE)
    assert (diff["before"], diff["after"]) == ("disabled, inactive\n", "enabled, active\n")
    assert fake.done == ["apply", "systemctl daemon-reload", f"systemctl enable --now {SERVICE}"]
    assert (fake.folder / FILE[1:]).stat().st_mode & 0o777 == 0o644
    assert host(fake).plan(WANTED).changes == ()


def test_planning_changes_nothing(fake: FakeHost) -> None:
    """Check mode is a plan; it neither applies nor writes."""
    host(fake).plan(WANTED)
    assert fake.done == []
    assert list(fake.folder.iterdir()) == []


def test_flushed_by_hand(fake: FakeHost) -> None:
    """A table that went is put back; files are left as they are; tables of others stay."""
    applied(fake, WANTED)
    del fake.kernel["inet", "small"]
    fake.kernel["ip", "stranger"] = [{"table": {"family": "ip", "name": "stranger"}}]
    assert whats(applied(fake, WANTED)) == ["table inet small (kernel)"]
    assert set(fake.kernel) == {("inet", "small"), ("ip", "small_too"), ("ip", "stranger")}


def test_edited_by_hand(fake: FakeHost) -> None:
    """A rule that went is named in the diff."""
    applied(fake, WANTED)
    fake.kernel["inet", "small"].pop()
    [change] = host(fake).plan(WANTED).changes
    assert (change.before, change.after) == (
        "table inet small {\n\t3 rules\n}\n", "table inet small {\n\t4 rules\n}\n"
    )  # fmt: skip


def test_table_left_out(fake: FakeHost) -> None:
    """A table that the former text named is removed."""
    applied(fake, WANTED)
    plan = applied(fake, Wanted("trial", ONLY_INET, parse(ONLY_INET)))
    assert whats(plan) == ["table inet small (kernel)", "table ip small_too (kernel)", FILE]
    assert set(fake.kernel) == {("inet", "small")}
    assert "small_too" not in (fake.folder / FILE[1:]).read_text()


def test_absent(fake: FakeHost) -> None:
    """Tables and file go, the service and the files that are shared stay; a second look finds nothing."""
    applied(fake, WANTED)
    plan = applied(fake, ABSENT)
    assert whats(plan) == ["table inet small (kernel)", "table ip small_too (kernel)", FILE]
    assert fake.kernel == {}
    assert (fake.folder / MAIN_PATH[1:]).read_text() == MAIN_TEXT
    assert host(fake).plan(ABSENT).changes == ()


def test_main_file_of_somebody_else(fake: FakeHost) -> None:
    """It is replaced and kept; our own is not kept again."""
    main = fake.folder / MAIN_PATH[1:]
    main.parent.mkdir()
    main.write_text("flush ruleset\n")
    plan = host(fake).plan(WANTED)
    assert host(fake).apply_boot(plan) == "/etc/nftables.conf.before-nixvegas"
    assert (fake.folder / "etc/nftables.conf.before-nixvegas").read_text() == "flush ruleset\n"
    main.write_text(MAIN_TEXT + "flush ruleset\n")
    assert host(fake).apply_boot(host(fake).plan(WANTED)) is None


def test_main_file_of_debians_package(fake: FakeHost) -> None:
    """It is replaced and not kept, unless somebody has edited it."""
    main, stock = fake.folder / MAIN_PATH[1:], "flush ruleset\n\ntable inet filter { }\n"
    fake.conffiles = f"\n {MAIN_PATH} {hashlib.md5(stock.encode(), usedforsecurity=False).hexdigest()}"
    main.parent.mkdir()
    main.write_text(stock)
    assert host(fake).apply_boot(host(fake).plan(WANTED)) is None
    assert main.read_text() == MAIN_TEXT
    assert [path.name for path in main.parent.glob("nftables.conf*")] == ["nftables.conf"]
    main.write_text(stock.replace("filter", "mine"))
    assert host(fake).apply_boot(host(fake).plan(WANTED)) == "/etc/nftables.conf.before-nixvegas"


def test_two_rulesets(fake: FakeHost) -> None:
    """Two rulesets live side by side, unless they name the same table."""
    applied(fake, WANTED)
    with pytest.raises(RulesetError, match=r"table inet small already belongs to .*trial\.nft"):
        host(fake).plan(Wanted("other", ONLY_INET, parse(ONLY_INET)))
    other = "table inet other { }"
    fake.teach(other, '{"nftables": [{"table": {"family": "inet", "name": "other"}}]}')
    assert whats(applied(fake, Wanted("other", other, parse(other)))) == [
        "table inet other (kernel)", "/etc/nftables.d/other.nft"
    ]  # fmt: skip
    assert host(fake).plan(WANTED).changes == ()


def test_refused_text(fake: FakeHost) -> None:
    """nft's complaint is quoted with the line of the ruleset."""
    fake.fails["unshare"] = "/dev/stdin:3:13-16: Error: Could not resolve service\n tcp dport nix\n"
    with pytest.raises(NftError, match=r"nothing was changed(?s:.*)line 3, columns 13-16: Error: Could not resolve"):
        host(fake).plan(WANTED)


def test_refused_by_the_kernel(fake: FakeHost) -> None:
    """What only the kernel refuses is found before anything is applied."""
    fake.fails["nft -c"] = "Error: Could not process rule: Operation not supported"
    with pytest.raises(NftError, match=r"together with the other boot-time files(?s:.*)Operation not supported"):
        host(fake).plan(WANTED)
    assert fake.done == []


def test_without_nft(fake: FakeHost) -> None:
    """Without nft everything would be new; files are compared all the same."""
    plan = host(fake).plan_without_nft(WANTED)
    assert whats(plan)[0] == "table inet small, table ip small_too (kernel)"
    assert plan.changes[0].after == SMALL
    assert host(fake).plan_without_nft(ABSENT).changes == ()


def test_undo(fake: FakeHost) -> None:
    """The undo text brings back what was there, and removes what was not."""
    applied(fake, Wanted("trial", ONLY_INET, parse(ONLY_INET)))
    before = dict(fake.kernel)
    plan = host(fake).plan(WANTED)
    undo = host(fake).undo_text(plan)
    host(fake).apply_tables(plan)
    assert fake.kernel != before
    fake.run(["nft", "-f", "-"], undo)
    assert fake.kernel == before
