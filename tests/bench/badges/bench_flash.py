"""How long a badge takes: at most 1.05 times what plain esptool takes for the same files, and, when nothing differs, at
most 0.1 times.

    python tests/bench/badges/bench_flash.py

Both flash the same simulated badge, a process of its own with the speed of the badge's own USB, in turns; each in a
process that has imported what it needs, as the table's workers have. A firmware of 1.2 MB, as the badge's is.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(CHECKOUT / ".cache/collections"))

from ansible_collections.nixvegas.noc.plugins.module_utils.badge import nvs  # noqa: E402
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.build import firmware_from_build  # noqa: E402
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.flasher import flash  # noqa: E402
from ansible_collections.nixvegas.noc.plugins.module_utils.badge.settings import entries, parse  # noqa: E402
from ansible_collections.nixvegas.noc.tests.badge_simulator.firmware import write_build  # noqa: E402

PLAIN, WRITTEN, UNCHANGED = "plain esptool", "ours, another firmware", "ours, nothing differs"
APP_SIZE = 1_200_000
RUNS = 3
MOST_WRITTEN = 1.05
MOST_UNCHANGED = 0.1


def ours(port: str, build: Path, image: bytes) -> None:
    """Our flasher."""
    flash(port, firmware_from_build(build), image)


def plain(port: str, build: Path, image: bytes) -> None:
    """esptool's own command line, in this process: all files in one call."""
    import esptool  # noqa: PLC0415

    esptool.main(["--port", port, "--silent", "--baud", "460800", "write-flash", *files_of(build, image)])


def files_of(build: Path, image: bytes) -> list[str]:
    """Offsets and files, as idf.py names them to esptool."""
    (build / "nvs.bin").write_bytes(image)
    names = {0x0: "bootloader/bootloader.bin", 0x8000: "partition_table/partition-table.bin", 0x9000: "nvs.bin"}
    names[0x10000] = "nixbadge.bin"
    return [word for offset, name in names.items() for word in (hex(offset), str(build / name))]


def serve(jobs: Connection, way: Callable[[str, Path, bytes], None]) -> None:
    """Flash whenever told to, and send back how long it took."""
    while (job := jobs.recv()) is not None:
        started = time.perf_counter()
        way(*job)
        jobs.send(time.perf_counter() - started)


@contextmanager
def worker(way: Callable[[str, Path, bytes], None]) -> Iterator[Callable[[str, Path, bytes], float]]:
    """A function that lets a process of its own flash, and returns the seconds."""
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there, way), daemon=True)
    process.start()

    def run(port: str, build: Path, image: bytes) -> float:
        here.send((port, build, image))
        return float(here.recv())

    yield run
    here.send(None)
    process.join()


@contextmanager
def badge(folder: Path) -> Iterator[str]:
    """The port of a simulated badge."""
    command = [sys.executable, "-m", "tests.badge_simulator", "--count", "1", "--speed", "usb", "--folder", str(folder)]
    process = subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin
    assert process.stdout
    with process:
        yield process.stdout.readline().split()[0]
        process.communicate()


def settings(name: str, started: bool = False) -> bytes:
    """Settings that are others for another name; started: as a badge has them whose Wi-Fi driver wrote beside them."""
    given = {"mode": "cache", "name": name, "router_ssid": "x", "router_passphrase": "x" * 8, "cache_upstream": "x.org"}
    drivers = [nvs.Entry("nvs.net80211", "opmode", nvs.Type.U8, 1)] if started else []
    return nvs.build([*entries(parse(given)), *drivers])


def main() -> int:
    """Print the table and whether the goals are reached."""
    times: dict[str, list[float]] = {PLAIN: [], WRITTEN: [], UNCHANGED: []}
    with tempfile.TemporaryDirectory() as name, badge(Path(name)) as port, worker(ours) as we, worker(plain) as they:
        builds = [write_build(Path(name) / str(seed), APP_SIZE, seed) for seed in range(2)]
        for way in (we, they):
            way(port, builds[0], settings("warm"))  # each imports what it needs, and the badge has something
        for run in range(RUNS):
            for label, way, build in ((PLAIN, they, builds[1]), (WRITTEN, we, builds[0]), (UNCHANGED, we, builds[0])):
                image = settings(f"{build.name} {run}", started=label != UNCHANGED)
                times[label].append(way(port, build, image))
    medians = {label: statistics.median(values) for label, values in times.items()}
    for label, values in times.items():
        ratio = medians[label] / medians[PLAIN]
        print(f"{label:<24} {medians[label]:6.2f} s  {ratio:5.3f}  ({' '.join(f'{value:.2f}' for value in values)})")
    written, unchanged = medians[WRITTEN] / medians[PLAIN], medians[UNCHANGED] / medians[PLAIN]
    print(f"goals: at most {MOST_WRITTEN} with another firmware, {MOST_UNCHANGED} when nothing differs")
    return 0 if written <= MOST_WRITTEN and unchanged <= MOST_UNCHANGED else 1


if __name__ == "__main__":
    raise SystemExit(main())
