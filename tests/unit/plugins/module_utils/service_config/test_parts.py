# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small pure parts: units, health, diffs, the payload; and paths on a real file system."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config import paths
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.commands import Result, run
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.diff import diff_of
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.health import complaint
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.model import (
    ABSENT,
    Entry,
    Health,
    Kind,
    Purge,
    Service,
    Wanted,
)
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.payload import (
    decode_payload,
    encode_payload,
)
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.plan import Change
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.systemd import UnitState, plan_services
from hypothesis import given
from hypothesis import strategies as st

from .helpers import folder, text_file

RUNNING = UnitState("loaded", "active", "enabled")
STOPPED = UnitState("loaded", "inactive", "disabled")
RELOADED = Service("kresd@1.service", True, "started", "reload", ("/etc/kresd/*",))


@pytest.mark.parametrize(
    ("service", "state", "changed", "forced", "verbs"),
    [
        (RELOADED, RUNNING, [], False, []),
        (RELOADED, RUNNING, ["/etc/kresd/conf"], False, ["reload-or-restart"]),
        (RELOADED, RUNNING, ["/etc/other"], False, []),
        (RELOADED, RUNNING, [], True, ["restart"]),
        (RELOADED, STOPPED, ["/etc/kresd/conf"], False, ["enable", "start"]),
        (RELOADED, UnitState("loaded", "activating", "enabled"), [], False, ["start"]),
        (Service("a.service", on_change="reload"), RUNNING, ["/etc/systemd/system/a.service"], False, ["restart"]),
        (Service("a.service", on_change="reload"), RUNNING, ["/etc/systemd/system/a.service.d/x"], False, ["restart"]),
        (Service("a@1.service", on_change="reload"), RUNNING, ["/etc/systemd/system/a@.service"], False, ["restart"]),
        (Service("a.service"), STOPPED, ["/etc/x"], False, []),
        (Service("a.service", on_change="none"), RUNNING, ["/etc/x"], True, []),
        (Service("a.service", False, "stopped"), RUNNING, ["/etc/x"], False, ["disable", "stop"]),
        (Service("a.service", False, "stopped"), STOPPED, ["/etc/x"], True, []),
        (Service("a.service", False, "stopped"), UnitState(), [], False, []),
        (Service("a.service", True), UnitState("loaded", "inactive", "static"), [], False, []),
    ],
)
def test_units(service: Service, state: UnitState, changed: list[str], forced: bool, verbs: list[str]) -> None:
    actions = plan_services([service], {service.name: state}, changed, forced=forced)
    assert [action.verb for action in actions] == verbs


ANSWER = Result(0, "10.4.0.1\n")


@pytest.mark.parametrize(
    ("health", "result", "wrong"),
    [
        (Health(("ask",)), ANSWER, None),
        (Health(("ask",)), Result(2, stderr="no"), "ask ended with 2: no"),
        (Health(("ask",), stdout="10.4.0.1"), ANSWER, None),
        (Health(("ask",), stdout="10.4.0"), ANSWER, "ask did not say exactly '10.4.0': 10.4.0.1"),
        (Health(("ask",), contains=("4.0",)), ANSWER, None),
        (Health(("ask",), contains=("x",)), ANSWER, "ask did not say 'x': 10.4.0.1"),
        (Health(("ask",), not_contains=("4.0",)), ANSWER, "ask must not say '4.0': 10.4.0.1"),
    ],
)
def test_health(health: Health, result: Result, wrong: str | None) -> None:
    assert complaint(health, result) == wrong


def test_secrets_never_show() -> None:
    before, after = text_file("old secret"), text_file("new secret")
    for pair in ((before, after), (ABSENT, after), (before, ABSENT)):
        shown = str(diff_of([Change("/etc/key", *pair, secret=True)], []))
        assert "secret, " in shown
        assert "old secret" not in shown
        assert "new secret" not in shown
    assert "secret" not in repr(before)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (text_file("a\n"), text_file("b\n"), ("a\n", "b\n")),
        (Entry(Kind.LINK, target="/a"), Entry(Kind.LINK, target="/b"), ("link to /a\n", "link to /b\n")),
        (text_file(""), ABSENT, ("(empty)\n", "")),
        (
            Entry(Kind.FILE, b"\xff", mode=0o644),
            Entry(Kind.FILE, b"a\0b"),
            ("(binary, 1 bytes)\n", "(binary, 3 bytes)\n"),
        ),
        (ABSENT, folder(), ("", "folder\n")),
    ],
)
def test_diff(before: Entry, after: Entry, expected: tuple[str, str]) -> None:
    (item,) = diff_of([Change("/x", before, after)], [])
    assert (item["before"], item["after"]) == expected


@pytest.mark.parametrize("after", [text_file("public\n"), Entry(Kind.LINK, target="/public")])
def test_what_a_private_file_held_is_not_shown_when_something_public_replaces_it(after: Entry) -> None:
    (item,) = diff_of([Change("/x", text_file("former\n", 0o640), after)], [])
    assert item["before"] == "(private, not shown)\n"
    assert "public" in item["after"]


def test_a_change_of_ownership_alone_is_shown() -> None:
    (item,) = diff_of([Change("/x", text_file("a", 0o600), text_file("a", 0o644), secret=True)], [])
    assert item["before"].endswith(" 0600\n")
    assert item["after"].endswith(" 0644\n")


entries = st.one_of(
    st.just(ABSENT),
    st.builds(Entry, st.just(Kind.LINK), target=st.text()),
    st.builds(
        Entry, st.just(Kind.FILE), content=st.binary(), owner=st.text(), group=st.text(), mode=st.integers(0, 0o7777)
    ),
)


@given(st.lists(st.builds(Wanted, st.text(), entries, st.booleans())), st.booleans())
def test_the_payload_arrives_as_it_was_sent(wanted: list[Wanted], recursive: bool) -> None:
    purges = [Purge("/etc/x", ("10-*", "*.conf"), recursive)]
    assert decode_payload(encode_payload(wanted, purges)) == (wanted, purges)


@pytest.mark.parametrize("entry", [text_file("x", 0o640), Entry(Kind.LINK, target="nowhere"), folder(0o750), ABSENT])
@pytest.mark.parametrize("before", [None, "file", "link"])
def test_what_is_written_is_read_back(tmp_path: Path, entry: Entry, before: str | None) -> None:
    path = tmp_path / "x"
    if before and entry.kind is Kind.DIRECTORY:
        return
    if before == "file":
        path.write_text("before")
    if before == "link":
        path.symlink_to(tmp_path / "target")
    paths.write_entry(str(path), entry, in_place=False)
    assert paths.read_entry(str(path)) == entry
    assert [item.name for item in tmp_path.iterdir()] == ([] if entry is ABSENT else ["x"])


@pytest.mark.parametrize("in_place", [True, False])
def test_a_file_with_something_mounted_on_it_is_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_place: bool
) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("a longer text than the new one")
    number = path.stat().st_ino

    def refuse(*_arguments: Any) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(Path, "replace", refuse)
    if in_place:
        paths.write_entry(str(path), text_file("new"), in_place=True)
        assert (path.read_text(), path.stat().st_ino) == ("new", number)
    else:
        with pytest.raises(OSError, match="busy"):
            paths.write_entry(str(path), text_file("new"), in_place=False)
    assert [item.name for item in tmp_path.iterdir()] == ["resolv.conf"]


@pytest.mark.parametrize("entry", [text_file("new", 0o640), Entry(Kind.LINK, target="nowhere")])
def test_what_a_killed_run_left_is_neither_followed_nor_kept(tmp_path: Path, entry: Entry) -> None:
    elsewhere, left = tmp_path / "elsewhere", tmp_path / ".x.nixvegas-new"
    elsewhere.write_text("untouched")
    left.symlink_to(elsewhere)
    paths.write_entry(str(tmp_path / "x"), entry, in_place=False)
    assert elsewhere.read_text() == "untouched"
    assert paths.read_entry(str(tmp_path / "x")) == entry
    assert sorted(item.name for item in tmp_path.iterdir()) == ["elsewhere", "x"]


def test_a_folder_goes_with_its_bytecode(tmp_path: Path) -> None:
    (tmp_path / "old" / "__pycache__").mkdir(parents=True)
    (tmp_path / "old" / "__pycache__" / "x.pyc").write_bytes(b"")
    assert list(paths.list_below(str(tmp_path), recursive=True)) == [str(tmp_path / "old")]
    paths.write_entry(str(tmp_path / "old"), ABSENT, in_place=True)
    assert not list(tmp_path.iterdir())


def test_commands_never_raise() -> None:
    assert run(["no-such-program"]).missing
    assert run(["false"]).returncode == 1
    assert "no answer within" in run(["sleep", "5"], timeout=0.05).stderr
    assert len(Result(1, stdout="x " * 10_000).output()) < 5000
    assert Result(1, stdout="word" * 1000 + "word last").output() == "… last"
