"""``nar-server warm``: what is asked for is in the hot tier afterwards, or is told not to be."""

from __future__ import annotations

import errno
import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from nar_server.base32 import encode
from nar_server.config import HotTierConfig
from nar_server.hot_tier import SUFFIX
from nar_server.options import ConfigError
from nar_server.warm import become_owner

from .running import LIBRARY, Running, command

MIB = 2**20
Done = subprocess.CompletedProcess[str]


@pytest.fixture
def config(store: Any, tmp_path: Path) -> Callable[..., Path]:
    """Writes a configuration with a hot tier of this size, and more lines."""

    def write(size: int = 100 * MIB, more: str = "") -> Path:
        file = tmp_path / "config.toml"
        top = f'listen = ["127.0.0.1:0"]\nworkers = 1\nreal_store_dir = "{store.directory}"\n'
        file.write_text(f'{top}{more}\n[hot_tier]\nfolder = "{tmp_path}/hot"\nsize = {size}\n')
        return file

    return write


def warm(file: Path, *arguments: str, stdin: str = "") -> Done:
    variables = os.environ | {"PYTHONPATH": str(LIBRARY)}
    words = command("warm", "--config", str(file), *arguments)
    return subprocess.run(words, input=stdin, capture_output=True, text=True, env=variables, check=False)


def packs(folder: Path) -> set[str]:
    return {path.name for path in (folder / "hot").iterdir()}


def full(path: Any) -> str:
    return f"/nix/store/{path.base_name}"


def test_a_closure_is_made_once(store: Any, trees: Any, config: Any, tmp_path: Path) -> None:
    leaf = store.add("leaf", trees["small"])
    middle = store.add("middle", b"middle", references=[leaf.base_name])
    top = store.add("top", b"top", references=[middle.base_name])
    store.execute("insert into Refs select id, id from ValidPaths where path like '%-top'")
    other = store.add("other", b"other")
    file = config()
    first = warm(file, "--closure", full(top))
    assert (first.returncode, first.stderr) == (0, "")
    lines = first.stdout.splitlines()
    assert sorted(lines[:-1]) == sorted(f"made: {full(path)}" for path in (leaf, middle, top))
    assert lines[-1] == "3 made, 0 were there, 0 are not in the hot tier"
    assert packs(tmp_path) == {path.nar_hash + SUFFIX for path in (leaf, middle, top)}
    again = warm(file, "--closure", full(top), full(leaf), full(other))
    assert again.stdout.splitlines()[-1] == "1 made, 3 were there, 0 are not in the hot tier"


def test_a_server_sends_what_was_made_beside_it(store: Any, trees: Any, config: Any, tmp_path: Path) -> None:
    path = store.add("x", trees["small"])
    server = Running(config(), tmp_path)
    try:
        assert warm(config(), full(path)).returncode == 0
        for file in path.real.iterdir():
            file.unlink()
        assert server.get(path.url) == path.nar
    finally:
        server.close()


def test_paths_are_named_in_many_ways(store: Any, config: Any, tmp_path: Path, trees: Any) -> None:
    paths = [store.add(name, name.encode()) for name in "abc"]
    folder = store.add("folder", trees["small"])
    (tmp_path / "link").symlink_to(paths[0].real)
    lines = f"{full(paths[1])}\n\n{paths[2].real}\n"
    done = warm(config(), str(tmp_path / "link"), "-", f"{full(folder)}/003", stdin=lines)
    assert done.stdout.splitlines()[-1] == "4 made, 0 were there, 0 are not in the hot tier"
    assert packs(tmp_path) == {path.nar_hash + SUFFIX for path in (*paths, folder)}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"/nix/store/{encode(bytes(20))}-x", "not a valid path of the store"),
        ("/nix/store/x", "no path of /nix/store"),
        ("/etc/passwd", "no path of /nix/store"),
        ("x", "no path of /nix/store"),
    ],
)
def test_what_is_not_in_the_store_is_named_and_the_rest_made(
    store: Any, config: Any, tmp_path: Path, text: str, reason: str
) -> None:
    path = store.add("x", b"content")
    done = warm(config(), text, full(path))
    assert (done.returncode, done.stderr) == (1, f"not in the hot tier: {text}: {reason}\n")
    assert done.stdout.splitlines()[-1] == "1 made, 0 were there, 1 are not in the hot tier"


def test_what_is_hidden_is_said_to_be(store: Any, config: Any) -> None:
    path = store.add("x", b"content")
    done = warm(config(more='policy = "hide"'), full(path))
    assert done.stderr == f"not in the hot tier: {full(path)}: hidden by the policy of the view main\n"


def test_what_a_views_paths_leave_out_is_said_to_be(store: Any, config: Any) -> None:
    path = store.add("x", b"content")
    done = warm(config(more='paths = "upstream"'), full(path))
    assert done.stderr == f"not in the hot tier: {full(path)}: left out by the paths of the view main\n"
    assert done.returncode == 1


def test_the_budget_is_kept_and_what_does_not_fit_is_named(store: Any, config: Any, tmp_path: Path) -> None:
    def small(path: Path) -> None:
        path.mkdir()
        for number in range(10):
            (path / str(number)).write_bytes(os.urandom(90_000))

    def too_large(path: Path) -> None:
        path.mkdir()
        for number in range(20):
            (path / str(number)).write_bytes(os.urandom(90_000))

    paths = [store.add(f"p{number}", small) for number in range(6)]
    old, large = paths.pop(), store.add("large", too_large)
    file = config(4 * MIB)
    assert warm(file, full(old)).returncode == 0
    done = warm(file, *map(full, [large, *paths]))
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "4 made, 0 were there, 2 are not in the hot tier"
    # What nobody wanted now made room; what was just made did not.
    assert packs(tmp_path) == {path.nar_hash + SUFFIX for path in paths[:4]}
    told = done.stderr.splitlines()
    assert [line.split(":")[1].strip() for line in told] == [full(path) for path in (large, paths[4])]
    assert warm(file, *map(full, paths[:4])).returncode == 0


def test_damage_is_told(store: Any, config: Any, tmp_path: Path) -> None:
    path = store.add("x", b"content")
    path.real.write_bytes(b"CONTENT")
    done = warm(config(), full(path))
    assert done.returncode == 1
    assert "is not what Nix registered" in done.stderr
    assert packs(tmp_path) == set()


def test_views_decide_what_there_is(store: Any, config: Any) -> None:
    path = store.add("x", b"content", ultimate=0)
    views = "[views.built]\nprefix = '/built'\npaths = 'built'\n[views.all]\n"
    assert warm(config(more=views), "--view", "built", full(path)).returncode == 1
    assert warm(config(more=views), "--view", "all", full(path)).returncode == 0
    file = config(more=views)
    done = warm(file, "--view", "al", full(path))
    assert (done.returncode, done.stderr) == (1, f"{file}: there is no view al; there are: built, all\n")


def test_a_second_store(store: Any, config: Any, tmp_path: Path) -> None:
    path = store.add("x", b"content")
    (tmp_path / "other/nix").mkdir(parents=True)
    (tmp_path / "nix").rename(tmp_path / "other/nix-moved")
    (tmp_path / "other/nix").rmdir()
    (tmp_path / "other/nix-moved").rename(tmp_path / "other/nix")
    (tmp_path / "nix/store").mkdir(parents=True)
    second = f"[stores.chroot]\nreal_store_dir = '{tmp_path}/other/nix/store'\n[views.chroot]\nstore = 'chroot'\n"
    assert warm(config(more=second), full(path)).returncode == 0
    assert packs(tmp_path) == {path.nar_hash + SUFFIX}


def test_without_a_tier_or_its_place(store: Any, config: Any, tmp_path: Path) -> None:
    path = store.add("x")
    done = warm(config(0), full(path))
    assert (done.returncode, ": hot_tier.size is 0: " in done.stderr) == (1, True)
    with pytest.raises(ConfigError, match=f"there is no {tmp_path}/absent; start the server once"):
        become_owner(HotTierConfig(tmp_path / "absent/hot", MIB))


def test_a_tier_that_may_not_be_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As an ordinary user finds it, below a folder of the server's alone.
    stat = os.stat

    def denied(path: Any, **options: Any) -> os.stat_result:
        if os.fspath(path) == f"{tmp_path}/hot":
            raise PermissionError(errno.EACCES, "denied")
        return stat(path, **options)

    monkeypatch.setattr(os, "stat", denied)
    monkeypatch.setattr(os, "access", lambda *_arguments: False)
    with pytest.raises(ConfigError, match="hot cannot be written: run this as root or as the server's user"):
        become_owner(HotTierConfig(tmp_path / "hot", MIB))


def test_a_tier_that_may_not_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "mkdir", mock.Mock(side_effect=PermissionError(errno.EACCES, "denied")))
    with pytest.raises(ConfigError, match="hot cannot be written: run this as root or as the server's user"):
        become_owner(HotTierConfig(tmp_path / "hot", MIB))


def test_root_becomes_the_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = mock.Mock()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    for name in ("setgroups", "setgid", "setuid"):
        monkeypatch.setattr(os, name, getattr(calls, name))
    folder = mock.Mock(is_dir=lambda: True, stat=lambda: SimpleNamespace(st_uid=123, st_gid=456))
    folder.__fspath__ = lambda _self: str(tmp_path)
    become_owner(HotTierConfig(folder, MIB))
    # Groups and the group while there is still the right to.
    expected = [mock.call.setgroups([]), mock.call.setgid(456), mock.call.setuid(123)]
    assert calls.mock_calls == expected


def test_a_bar_on_a_terminal(store: Any, config: Any) -> None:
    paths = [store.add(name, name.encode()) for name in "ab"]
    variables = os.environ | {"PYTHONPATH": str(LIBRARY)}
    ours, theirs = pty.openpty()
    words = command("warm", "--config", str(config()), *map(full, paths))
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=theirs, env=variables, text=True, check=True)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert done.stdout == "2 made, 0 were there, 0 are not in the hot tier\n"
    assert [f"] {count}/2 " in shown for count in range(3)] == [True] * 3
    assert shown.endswith("\r\x1b[K")


@pytest.mark.parametrize("name", ["serve", "check-config", "audit", "stats", "warm"])
def test_help_explains_each_command(name: str) -> None:
    variables = os.environ | {"PYTHONPATH": str(LIBRARY)}
    shown = subprocess.run(command(name, "--help"), capture_output=True, text=True, env=variables, check=True).stdout
    assert "--config FILE" in shown
    # What it does, in a sentence of its own below how it is called.
    assert shown.split("\n\n")[1].count(".") >= 1
