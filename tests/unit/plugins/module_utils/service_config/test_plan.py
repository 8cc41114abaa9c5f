# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The planner of paths."""

from __future__ import annotations

import pytest
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.model import (
    ABSENT,
    Entry,
    Kind,
    Purge,
    Request,
    ServiceConfigError,
    Wanted,
    build_request,
    check_path,
    parse_mode,
)
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.plan import matches, plan_paths, touches_units

FOLDER = Entry(Kind.DIRECTORY, owner="root", group="root", mode=0o755)
LINK = Entry(Kind.LINK, target="/elsewhere")


def file_entry(content: bytes = b"x", mode: int = 0o644) -> Entry:
    return Entry(Kind.FILE, content, owner="root", group="root", mode=mode)


ETC = {"/etc": FOLDER, "/etc/knot": FOLDER}


def plan(wanted: list[Wanted], current: dict[str, Entry], purges: tuple[Purge, ...] = ()) -> list[tuple[str, str]]:
    changes = plan_paths(Request("t", tuple(wanted), purges), current)
    return [(change.path, change.after.kind.value) for change in changes]


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (file_entry(), file_entry(), False),
        (file_entry(b"x"), file_entry(b"y"), True),
        (file_entry(mode=0o644), file_entry(mode=0o600), True),
        (LINK, LINK, False),
        (LINK, file_entry(), True),
        (file_entry(), LINK, True),
        (file_entry(), ABSENT, True),
        (None, ABSENT, False),
        (None, file_entry(), True),
        (FOLDER, FOLDER, False),
    ],
)
def test_a_path_changes_when_anything_differs(before: Entry | None, after: Entry, changes: bool) -> None:
    current = ETC | ({"/etc/knot/x": before} if before else {})
    assert bool(plan([Wanted("/etc/knot/x", after)], current)) is changes


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (FOLDER, file_entry(), "is a folder where there should be a file"),
        (FOLDER, ABSENT, "is a folder where there should be nothing"),
        (file_entry(), FOLDER, "is a file where there should be a folder"),
        (Entry(Kind.OTHER), file_entry(), "is a device or socket"),
    ],
)
def test_what_stands_in_the_way_is_an_error(before: Entry, after: Entry, message: str) -> None:
    with pytest.raises(ServiceConfigError, match=message):
        plan([Wanted("/etc/knot/x", after)], ETC | {"/etc/knot/x": before})


def test_a_file_above_is_an_error() -> None:
    with pytest.raises(ServiceConfigError, match="/etc/knot above it is not a folder"):
        plan([Wanted("/etc/knot/x", file_entry())], {"/etc": FOLDER, "/etc/knot": file_entry()})


def test_order_is_accounts_folders_files_removals() -> None:
    wanted = [
        Wanted("/etc/a", ABSENT),
        Wanted("/etc/b/c/file", file_entry()),
        Wanted("/usr/lib/sysusers.d/b.conf", file_entry()),
    ]
    assert plan(wanted, {"/etc": FOLDER, "/etc/a": file_entry()}) == [
        ("/usr/lib/sysusers.d", "directory"),
        ("/usr/lib/sysusers.d/b.conf", "file"),
        ("/usr", "directory"),
        ("/etc/b", "directory"),
        ("/usr/lib", "directory"),
        ("/etc/b/c", "directory"),
        ("/etc/b/c/file", "file"),
        ("/etc/a", "absent"),
    ]


def test_purge_leaves_sub_folders_and_other_names() -> None:
    current = ETC | {
        "/etc/knot/10-old": file_entry(),
        "/etc/knot/20-other": file_entry(),
        "/etc/knot/10-folder": FOLDER,
        "/etc/knot/10-kept": file_entry(),
    }
    kept = [Wanted("/etc/knot/10-kept", file_entry())]
    assert plan(kept, current, (Purge("/etc/knot", ("10-*",)),)) == [("/etc/knot/10-old", "absent")]


def test_recursive_purge_takes_everything_from_the_inside_out() -> None:
    current = ETC | {
        "/etc/knot/old": FOLDER,
        "/etc/knot/old/x": file_entry(),
        "/etc/knot/new": FOLDER,
        "/etc/knot/new/y": file_entry(),
    }
    kept = [Wanted("/etc/knot/new/y", file_entry())]
    assert plan(kept, current, (Purge("/etc/knot", recursive=True),)) == [
        ("/etc/knot/old/x", "absent"),
        ("/etc/knot/old", "absent"),
    ]


def test_what_only_root_could_read_is_removed_as_a_secret() -> None:
    current = ETC | {"/etc/knot/key": file_entry(b"k", 0o600)}
    (change,) = plan_paths(Request("t", (), (Purge("/etc/knot"),)), current)
    assert change.secret


def test_units_are_recognised() -> None:
    (change,) = plan_paths(
        Request("t", (Wanted("/etc/systemd/system/x.service", file_entry()),)),
        {"/etc": FOLDER, "/etc/systemd": FOLDER, "/etc/systemd/system": FOLDER},
    )
    assert touches_units([change])


def test_patterns_match_across_folders() -> None:
    assert matches(["/etc/systemd/network/10-x.network"], ["/etc/systemd/*"])
    assert not matches([], ["*"])


@pytest.mark.parametrize("mode", ["416", "0888", "644", "u=rw"])
def test_modes_must_be_octal_text(mode: str) -> None:
    with pytest.raises(ServiceConfigError, match="write it quoted"):
        parse_mode(mode, "/etc/x")


@pytest.mark.parametrize("path", ["etc/x", "/etc/../x", "/etc//x", "/etc/x/", "/"])
def test_paths_must_be_plain(path: str) -> None:
    with pytest.raises(ServiceConfigError, match="not a plain absolute path"):
        check_path(path, "files")


OPTIONS = {"name": "t", "checks": [], "apply": [], "services": [], "health": [], "health_timeout": 1}


def test_a_path_given_twice_is_an_error() -> None:
    with pytest.raises(ServiceConfigError, match="/etc/x is given twice"):
        build_request(OPTIONS, [Wanted("/etc/x", LINK), Wanted("/etc/x", LINK)], [])


def test_a_name_that_is_no_folder_name_is_an_error() -> None:
    with pytest.raises(ServiceConfigError, match=r"'\.\./x'"):
        build_request(OPTIONS | {"name": "../x"}, [], [])
