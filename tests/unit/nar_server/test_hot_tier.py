"""The hot tier: packs are right or not there, the longest unused go first, and nothing in it can hurt serving."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from nar_server import filler, hot_tier, nar_body, packs
from nar_server.filler import Filler, TierFullError
from nar_server.hot_tier import SUFFIX, HotTier, Source, pack_name
from nar_server.nar import NarError
from nar_server.packs import PackError

from .test_failures import grow, remove, replace_by_fifo, truncate

MIB = 2**20


def source_of(path: Any) -> Source:
    return Source(os.fsencode(path.real), hashlib.sha256(path.nar).digest(), len(path.nar))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hot").mkdir()
    return tmp_path / "hot"


def eventually(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("make", ["small", "large", b"tiny", b"", b"x" * 300_000])
def test_second_request_is_sent_from_the_pack(store: Any, serve: Any, trees: Any, folder: Path, make: Any) -> None:
    tier = HotTier(folder, 100 * MIB)
    path = store.add("x", trees[make] if isinstance(make, str) else make)
    pack = folder / pack_name(source_of(path).nar_hash)
    with serve(store, tier=tier) as server:
        assert server.ask(path.url).body == path.nar
        eventually(pack.exists)
        if make == "small":
            # What the pack has is not read from the store again.
            for file in path.real.iterdir():
                file.unlink()
        assert server.ask(path.url).body == path.nar
        for first, last in ((0, 0), (5, 99), (len(path.nar) // 2, len(path.nar) - 3), (len(path.nar) - 1,) * 2):
            part = server.ask(path.url, headers=f"Range: bytes={first}-{last}\r\n")
            assert (part.status, part.body) == (206, path.nar[first : last + 1])
    tier.close()
    if make == "large":
        # Large files are not kept twice.
        assert pack.stat().st_size < 10_000


@pytest.mark.parametrize("patience", [0.3, 3600])
def test_packs_are_made_while_no_nar_is_sent(store: Any, serve: Any, trees: Any, folder: Path, patience: float) -> None:
    path, other = store.add("x", trees["small"]), store.add("y", trees["large"])
    limits = mock.patch.multiple(hot_tier, _QUIET_SECONDS=0.05, _PATIENCE_SECONDS=patience)
    with limits, serve(store, tier=HotTier(folder, 100 * MIB)) as server:
        stalled = server.connect()
        stalled.sendall(f"GET {other.url} HTTP/1.1\r\nHost: cache\r\n\r\n".encode())
        assert stalled.recv(12) == b"HTTP/1.1 200"
        assert server.ask(path.url).body == path.nar
        pack = folder / pack_name(source_of(path).nar_hash)
        if patience > 1:
            time.sleep(1)
            assert not pack.exists()
            stalled.close()
        eventually(pack.exists)


def test_a_path_that_is_not_what_nix_registered_is_not_kept(store: Any, folder: Path) -> None:
    path = store.add("x", b"content")
    path.real.write_bytes(b"CONTENT")
    with pytest.raises(NarError, match="another hash"):
        Filler(folder, MIB).fill(source_of(path))
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 5000])
def test_a_damaged_pack_is_passed_over(store: Any, serve: Any, folder: Path, damage: bytes) -> None:
    path = store.add("x", b"content")
    (folder / pack_name(source_of(path).nar_hash)).write_bytes(damage)
    with serve(store, tier=HotTier(folder, 0)) as server:
        assert server.ask(path.url).body == path.nar


def test_a_truncated_pack_is_passed_over(store: Any, serve: Any, trees: Any, folder: Path) -> None:
    path = store.add("x", trees["small"])
    Filler(folder, 200 * MIB).fill(source_of(path))
    pack = folder / pack_name(source_of(path).nar_hash)
    whole = pack.read_bytes()
    pack.write_bytes(whole[:100] + whole[-(len(whole) - len(path.nar)) :])
    with serve(store, tier=HotTier(folder, 0)) as server:
        assert server.ask(path.url).body == path.nar


def with_a_large_file(real: Path) -> None:
    real.mkdir()
    (real / "large").write_bytes(b"l" * 200_000)
    (real / "small").write_bytes(b"s" * 5000)


def cut(pack: bytes) -> bytes:
    return pack[:-40]


def with_another_name(pack: bytes) -> bytes:
    """Its large file is called as none is."""
    return pack.replace(b"large".hex().encode(), b"marge".hex().encode())


def with_no_name(pack: bytes) -> bytes:
    """No file can have this one."""
    return pack.replace(b"large".hex().encode(), b"\0arge".hex().encode())


def with_a_deep_index(pack: bytes) -> bytes:
    return b"[" * 100_000 + packs._TAIL.pack(100_000, packs._MAGIC)


@pytest.mark.parametrize("damage", [cut, with_another_name, with_no_name, with_a_deep_index])
def test_a_damaged_pack_is_made_anew(
    store: Any, serve: Any, folder: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[bytes], bytes]
) -> None:
    path = store.add("x", with_a_large_file)
    Filler(folder, MIB).fill(source_of(path))
    pack = folder / pack_name(source_of(path).nar_hash)
    whole = pack.read_bytes()
    pack.write_bytes(damage(whole))
    tier = HotTier(folder, MIB)
    with mock.patch.object(hot_tier, "_QUIET_SECONDS", 0.05), serve(store, tier=tier) as server:
        # What is found out while it is sent cuts that answer, and no other.
        assert server.ask(path.url).whole != (damage in (with_another_name, with_no_name))
        assert server.ask(path.url).body == path.nar
        eventually(pack.exists)
        assert pack.read_bytes() == whole
        assert server.ask(path.url).body == path.nar
    tier.close()
    assert sum(f"{pack} cannot be used: " in record.getMessage() for record in caplog.records) == 1


def test_a_pack_stays_when_somebody_says_another_size(folder: Path, store: Any) -> None:
    path = store.add("x", b"content")
    Filler(folder, MIB).fill(source_of(path))
    source = source_of(path)
    tier = HotTier(folder, MIB)
    assert tier.open(source.nar_hash, source.size + 8) is None
    pack = tier.open(source.nar_hash, source.size)
    assert pack is not None
    pack.close()


def test_a_damaged_pack_that_may_not_be_removed_is_passed_over(store: Any, serve: Any, folder: Path) -> None:
    path = store.add("x", b"content")
    pack = folder / pack_name(source_of(path).nar_hash)
    pack.write_bytes(b"short")
    forbidden = mock.patch.object(hot_tier.Path, "unlink", side_effect=PermissionError)
    with forbidden, serve(store, tier=HotTier(folder, 0)) as server:
        assert [server.ask(path.url).body for _ in range(2)] == [path.nar] * 2
    assert pack.read_bytes() == b"short"


@pytest.mark.parametrize(
    "problem",
    [ConnectionResetError(), TimeoutError(errno.ETIMEDOUT, ""), OSError(errno.EMFILE, ""), OSError(errno.EPERM, "")],
)
def test_a_pack_stays_when_others_are_at_fault(
    store: Any, serve: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, problem: OSError
) -> None:
    path = store.add("x", with_a_large_file)
    Filler(folder, MIB).fill(source_of(path))
    with serve(store, tier=HotTier(folder, 0)) as server:
        with monkeypatch.context() as patched:
            patched.setattr(nar_body, "send_file", mock.AsyncMock(side_effect=problem))
            assert not server.ask(path.url).whole
        assert len(list(folder.iterdir())) == 1
        assert server.ask(path.url).body == path.nar


def test_only_the_pack_that_is_damaged_is_removed(store: Any, folder: Path, tmp_path: Path) -> None:
    source = source_of(store.add("x", b"content"))
    Filler(folder, MIB).fill(source)
    pack, tier = folder / pack_name(source.nar_hash), HotTier(folder, 0)
    opened = tier.open(source.nar_hash, source.size)
    assert opened is not None
    (tmp_path / "other").write_bytes(pack.read_bytes())
    (tmp_path / "other").replace(pack)
    tier.remove(source.nar_hash, opened, PackError("damaged"))
    opened.close()
    assert pack.exists()


@pytest.mark.parametrize("damage", [truncate, grow, remove, replace_by_fifo])
def test_a_large_file_that_changed_since_its_pack_was_made_cuts_the_connection(
    store: Any, serve: Any, trees: Any, folder: Path, damage: Callable[[Path], None]
) -> None:
    path = store.add("x", trees["large"])
    Filler(folder, 100 * MIB).fill(source_of(path))
    damage(path.real / "4")
    with serve(store, tier=HotTier(folder, 0)) as server:
        answer = server.ask(path.url)
        assert answer.status == 200
        assert not answer.whole


def test_the_longest_unused_goes_first(store: Any, folder: Path) -> None:
    keeper = Filler(folder, 4 * MIB)
    paths = [store.add(f"x{number}", bytes([number]) * 100_000) for number in range(60)]
    for number, path in enumerate(paths):
        keeper.fill(source_of(path))
        pack = folder / pack_name(source_of(path).nar_hash)
        os.utime(pack, (1000 if number == 3 else number, 0))
    left = {pack.name for pack in folder.iterdir()}
    assert sum(pack.stat().st_size for pack in folder.iterdir()) <= 4 * MIB
    assert pack_name(source_of(paths[3]).nar_hash) in left
    assert pack_name(source_of(paths[0]).nar_hash) not in left
    assert pack_name(source_of(paths[-1]).nar_hash) in left


def test_what_was_used_lately_makes_no_room(store: Any, folder: Path) -> None:
    """When more is asked for again and again than fits, what is there stays."""
    paths = [store.add(f"x{number}", bytes([number]) * 100_000) for number in range(30)]
    lines = [json.dumps([os.fspath(path.real), source_of(path).nar_hash.hex(), len(path.nar)]) + "\n" for path in paths]
    command = [sys.executable, "-P", "-m", "nar_server.filler", str(folder), str(MIB)]
    environment = os.environ | {"PYTHONPATH": str(Path(filler.__file__).parents[1])}
    done = subprocess.run(
        command, input="".join(3 * lines), env=environment, check=True, capture_output=True, text=True
    )
    first = {pack_name(source_of(path).nar_hash) for path in paths[:10]}
    assert {pack.name for pack in folder.iterdir()} == first
    assert done.stderr == (
        "hot_tier.size: 1048576 bytes are too few for all that is asked for: "
        "it is full of what was used in the last 10 minutes\n"
    )
    small = store.add("small", b"small")
    Filler(folder, MIB).fill(source_of(small))
    assert {pack.name for pack in folder.iterdir()} == first | {pack_name(source_of(small).nar_hash)}
    unused = folder / pack_name(source_of(paths[4]).nar_hash)
    os.utime(unused, (time.time() - 601, 0))
    Filler(folder, MIB).fill(source_of(paths[20]))
    assert not unused.exists()
    assert (folder / pack_name(source_of(paths[20]).nar_hash)).exists()


def many_large(root: Path) -> None:
    """A path whose pack is nothing but the names of large files."""
    deep = root.joinpath(*["d" * 250] * 12)
    deep.mkdir(parents=True)
    for number in range(100):
        with (deep / f"{number:05}").open("wb") as file:
            file.truncate(128 * 1024 + 1)


def test_what_cannot_fit_removes_nothing(store: Any, folder: Path) -> None:
    keeper = Filler(folder, MIB)
    for number in range(8):
        keeper.fill(source_of(store.add(f"x{number}", bytes([number]) * 100_000)))
    before = set(folder.iterdir())
    names = source_of(store.add("names", many_large))
    line = json.dumps([os.fsdecode(names.root), names.nar_hash.hex(), names.size]) + "\n"
    command = [sys.executable, "-P", "-m", "nar_server.filler", str(folder), str(MIB)]
    environment = os.environ | {"PYTHONPATH": str(Path(filler.__file__).parents[1])}
    done = subprocess.run(command, input=3 * line, env=environment, check=True, capture_output=True, text=True)
    assert done.stderr.count("it is full of what was used in the last 10 minutes") == 1
    assert set(folder.iterdir()) == before
    short = mock.Mock(f_blocks=1000, f_bavail=10, f_frsize=4096)
    with (
        mock.patch.object(filler.os, "statvfs", return_value=short),
        pytest.raises(PackError, match="of the file system free"),
    ):
        keeper.fill(source_of(store.add("y", b"y" * 10_000)))
    assert set(folder.iterdir()) == before


def test_the_last_byte_of_a_pack_counts(store: Any, folder: Path) -> None:
    """With the list of its pieces, it takes a few bytes more than there is room for."""
    keeper = Filler(folder, MIB)
    for number in range(9):
        keeper.fill(source_of(store.add(f"x{number}", bytes([number]) * 100_000)))
    before = set(folder.iterdir())
    room = MIB - sum(pack.stat().st_blocks * 512 for pack in before)
    path = store.add("last", b"l" * (room - 8 - len(store.add("empty", b"").nar)))
    assert len(path.nar) == room - 8
    with pytest.raises(TierFullError):
        keeper.fill(source_of(path))
    assert set(folder.iterdir()) == before


def test_a_clock_that_was_ahead_keeps_nothing(store: Any, folder: Path) -> None:
    keeper = Filler(folder, MIB)
    sources = [source_of(store.add(f"x{number}", bytes([number]) * 100_000)) for number in range(11)]
    for source in sources[:10]:
        keeper.fill(source)
    for pack in folder.iterdir():
        os.utime(pack, (time.time() + 10**7, 0))
    keeper.fill(sources[10])
    assert (folder / pack_name(sources[10].nar_hash)).exists()
    there = next(source for source in sources if (folder / pack_name(source.nar_hash)).exists())
    opened = HotTier(folder, 0).open(there.nar_hash, there.size)
    assert opened is not None
    opened.close()
    assert abs((folder / pack_name(there.nar_hash)).stat().st_atime - time.time()) < 60


def test_the_filler_says_each_thing_on_one_line(store: Any, folder: Path) -> None:
    def newline(root: Path) -> None:
        root.mkdir()
        os.mkfifo(root / "a\n<2>forged")

    path = os.fspath(store.add("x", b"").real.with_name("fifo"))
    newline(Path(path))
    line = json.dumps([path, "00" * 32, 1]) + "\n"
    command = [sys.executable, "-P", "-m", "nar_server.filler", str(folder), str(MIB)]
    environment = os.environ | {"PYTHONPATH": str(Path(filler.__file__).parents[1])}
    done = subprocess.run(command, input=line, env=environment, check=True, capture_output=True, text=True)
    assert "a\\n<2>forged is neither" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_few_bytes_of_a_nar_do_not_keep_it(store: Any, serve: Any, folder: Path) -> None:
    path, other = store.add("x", b"x" * 10_000), store.add("y", b"y" * 10_000)
    Filler(folder, MIB).fill(source_of(path))
    pack = folder / pack_name(source_of(path).nar_hash)
    # Later than it was written and within a day, or the kernel notes its use (relatime).
    os.utime(pack, (time.time() - 5000, 1000))
    tier = HotTier(folder, MIB)
    with serve(store, tier=tier) as server:
        for each in (path, other):
            assert server.ask(each.url, headers="Range: bytes=5000-5001\r\n").status == 206
        assert not tier._wanted
        assert pack.stat().st_atime < time.time() - 1000
        assert server.ask(path.url, headers="Range: bytes=100-\r\n").status == 206
        assert pack.stat().st_atime > time.time() - 60
    tier.close()


def test_the_pieces_of_a_pack_are_read_once(store: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_of(store.add("x", many_large))
    Filler(folder, 8 * MIB).fill(source)
    read = mock.Mock(wraps=packs._read_segments)
    monkeypatch.setattr(packs, "_read_segments", read)
    tier = HotTier(folder, 0)
    for _ in range(3):
        opened = tier.open(source.nar_hash, source.size)
        assert opened is not None
        found = [(first, last, segment.name) for segment, first, last in opened.within(128 * 1024, 512 * 1024)]
        opened.close()
        assert sum(last - first for first, last, _name in found) == 384 * 1024
    assert read.call_count == 1
    monkeypatch.setattr(hot_tier, "_MOST_SEGMENTS", 10)
    other = source_of(store.add("y", b"y"))
    Filler(folder, 8 * MIB).fill(other)
    opened = tier.open(other.nar_hash, other.size)
    assert opened is not None
    opened.close()
    assert tier._known == 1


def test_one_path_does_not_drive_out_all_others(store: Any, trees: Any, folder: Path) -> None:
    with pytest.raises(PackError):
        Filler(folder, 4 * MIB).fill(source_of(store.add("x", trees["small"])))
    assert list(folder.iterdir()) == []


def test_a_nar_in_flight_survives_its_removal(store: Any, serve: Any, trees: Any, folder: Path) -> None:
    path = store.add("x", trees["small"])
    keeper = Filler(folder, 200 * MIB)
    keeper.fill(source_of(path))
    with serve(store, tier=HotTier(folder, 0)) as server:
        answer = server.ask(path.url, between=lambda: Filler(folder, 0).make_room(0))
        assert answer.body == path.nar
    assert list(folder.iterdir()) == []


def test_a_full_disk_leaves_nothing_and_serves_on(store: Any, serve: Any, folder: Path) -> None:
    path = store.add("x", b"content")
    full = mock.Mock(f_blocks=1000, f_bavail=10, f_frsize=4096)
    with (
        mock.patch.object(filler.os, "statvfs", return_value=full),
        pytest.raises(PackError, match="of the file system free"),
    ):
        Filler(folder, MIB).fill(source_of(path))
    assert list(folder.iterdir()) == []
    no_space = mock.patch("nar_server.packs.os.write", side_effect=OSError(28, "No space left on device"))
    with no_space, pytest.raises(OSError, match="No space"):
        Filler(folder, MIB).fill(source_of(path))
    assert list(folder.iterdir()) == []
    # A folder that cannot even be made.
    unusable = HotTier(Path("/proc/nowhere"), MIB)
    with serve(store, tier=unusable) as server:
        assert [server.ask(path.url).body for _ in range(3)] == [path.nar] * 3
    unusable.close()


def test_what_is_too_large_is_tried_once(store: Any, trees: Any, folder: Path) -> None:
    path = store.add("x", trees["small"])
    line = json.dumps([os.fspath(path.real), source_of(path).nar_hash.hex(), len(path.nar)]) + "\n"
    command = [sys.executable, "-P", "-m", "nar_server.filler", str(folder), str(MIB)]
    environment = os.environ | {"PYTHONPATH": str(Path(filler.__file__).parents[1])}
    done = subprocess.run(command, input=5 * line, env=environment, check=True, capture_output=True, text=True)
    assert done.stderr.count("its small files have more than the 262144 bytes there is room for") == 1


def test_a_closed_tier_starts_no_filler(store: Any, serve: Any, folder: Path) -> None:
    """A reload closes the tier while NARs are sent whose packs are wanted when they have been."""
    tier = HotTier(folder, 100 * MIB)
    path = store.add("x", b"content")
    with serve(store, tier=tier) as server, mock.patch.object(hot_tier.subprocess, "Popen") as popen:
        tier.close()
        assert server.ask(path.url).body == path.nar
        time.sleep(2 * hot_tier._QUIET_SECONDS)
        assert not popen.called


def test_a_smaller_budget_removes_what_is_too_much(store: Any, folder: Path) -> None:
    paths = [store.add(f"p{number}", os.urandom(90_000)) for number in range(4)]
    for path in paths:
        Filler(folder, MIB).fill(source_of(path))
    command = [sys.executable, "-P", "-m", "nar_server.filler", str(folder), "200000"]
    environment = os.environ | {"PYTHONPATH": str(Path(filler.__file__).parents[1])}
    subprocess.run(command, stdin=subprocess.DEVNULL, env=environment, check=True)
    assert len(list(folder.iterdir())) == 2


def test_a_pack_gets_its_name_when_all_of_it_is_on_the_disk(
    store: Any, trees: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, synced = os.fdatasync, []

    def fdatasync(descriptor: int) -> None:
        synced.append((list(folder.iterdir()), os.fstat(descriptor).st_size))
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    Filler(folder, 200 * MIB).fill(source_of(store.add("x", trees["small"])))
    (pack,) = folder.iterdir()
    assert synced == [([], pack.stat().st_size)]


def test_killed_at_any_time_nothing_half_written_has_a_name(store: Any, trees: Any, folder: Path) -> None:
    path = store.add("x", trees["small"])
    name = pack_name(source_of(path).nar_hash)
    line = f'["{path.real}", "{source_of(path).nar_hash.hex()}", {len(path.nar)}]\n'.encode()
    environment = os.environ | {"PYTHONPATH": str(Path(filler.__file__).parents[1])}
    command = [sys.executable, "-P", "-m", "nar_server.filler", str(folder), str(200 * MIB)]
    for pause in (0.05, 0.08, 0.11, 0.15, 0.2):
        process = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment)
        assert process.stdin is not None
        process.stdin.write(line)
        process.stdin.flush()
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdin.close()
        assert {entry.name for entry in folder.iterdir()} <= {name}
        pack = HotTier(folder, 0).open(source_of(path).nar_hash, len(path.nar))
        assert (pack is not None) == (folder / name).exists()
        if pack is not None:
            pack.close()
            (folder / name).unlink()
    assert not list(folder.glob(f"*{SUFFIX}"))


def test_a_pack_serves_every_path_of_its_content(store: Any, serve: Any, folder: Path) -> None:
    first, second = store.add("first", b"x" * 300_000), store.add("second", b"x" * 300_000)
    Filler(folder, MIB).fill(source_of(first))
    first.real.unlink()
    with serve(store, tier=HotTier(folder, 0)) as server:
        assert server.ask(second.url).body == second.nar
