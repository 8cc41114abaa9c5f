"""What has been measured, and the table that says it."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from closure import Made

CONNECTIONS = (1, 4, 16)
GIB = 2**30
ROWS = 150_000
SLOW_READERS = 100
BUDGETS = (0.05, 0.2, 0.5)


@dataclass
class Results:
    """Measurements by name: seconds, mostly."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def note(self, name: str, value: float) -> None:
        self.values.setdefault(name, []).append(value)
        print(f"{name}: {value:.6g}", file=sys.stderr, flush=True)

    def median(self, name: str) -> float:
        return statistics.median(self.values[name])


def table(results: Results, paths: Sequence[Made], memory: int) -> str:
    """Medians, ratios and goals, in Markdown. memory: of the slow readers' server, in bytes."""
    median = results.median
    lines = ["| | median | ratio to nginx | to harmonia | goal |", "|---|---|---|---|---|"]

    def row(name: str, value: str, ratio: float | None, goal: str, peer: float | None = None) -> None:
        ratios = " | ".join("" if each is None else f"{each:.2f}" for each in (ratio, peer))
        lines.append(f"| {name} | {value} | {ratios} | {goal} |")

    def to_harmonia(ours: str, theirs: str) -> float | None:
        return median(ours) / median(theirs) if theirs in results.values else None

    for kind, name, goal in (
        ("hot", "NARs from the hot tier", "≤ 1.1"),
        ("warm", "without it, layouts in memory", "≤ 1.6"),
        ("first", "first request ever", "≤ 2.5"),
    ):
        for connections in CONNECTIONS:
            measured = f"{kind} {connections}"
            seconds, theirs = median(measured), median(f"nginx {connections}")
            peer = to_harmonia(measured, f"harmonia {connections}")
            row(f"{name}, {_connections(connections)}", f"{seconds:.2f} s", seconds / theirs, goal, peer)
    for share in BUDGETS:
        packs = f"{median(f'packs {share}'):.0f} packs"
        name = f"hot tier of {share:.0%} of the NARs' size ({packs}), 4 connections"
        seconds = median(f"budget {share}")
        row(name, f"{seconds:.2f} s", seconds / median("nginx budget"), "")
    for kind, name, goal in (("proxy", "behind the role's nginx", "≤ 1.25"), ("ours", "without it", "")):
        ratio = median(f"narinfo {kind}") / median("narinfo nginx")
        peer = to_harmonia(f"narinfo {kind}", "narinfo harmonia")
        row(f"narinfo {name}, one connection", f"{median(f'narinfo {kind}') * 1e6:.0f} µs", ratio, goal, peer)
    rate = 1 / median("narinfos ours")
    name, peer = "narinfos a second of one worker, 16 connections", to_harmonia("narinfos harmonia", "narinfos ours")
    row(name, f"{rate:.0f}", median("narinfos nginx") * rate, "≥ 0.4", peer)
    for kind, name, goal in (("first", "the first one", ""), ("ours", "once the hot tier is filled", "≤ 1.0")):
        seconds = median(f"copy {kind}")
        peer = to_harmonia(f"copy {kind}", "copy harmonia")
        row(f"`nix copy` into an empty store, {name}", f"{seconds:.1f} s", seconds / median("copy nginx"), goal, peer)
    row(f"memory with {SLOW_READERS} slow readers of 5 GiB", f"{memory / 2**20:.0f} MiB", None, "< 256 MiB")
    row(f"start with {ROWS:,} rows", f"{median('start'):.2f} s", None, "< 1 s")
    name = f"narinfos with {ROWS:,} rows, of {median('narinfo ours') * 1e6:.0f} µs with few"
    row(name, f"{median('narinfo rows') * 1e6:.0f} µs", None, "the same")
    total = sum(made.info.nar_size for made in paths)
    lines.append(
        f"\n{len(paths)} paths, {total / 2**20:.0f} MiB of NARs; their packs {median('tier') / total:.0%} of that"
    )
    return "\n".join(lines)


def _connections(number: int) -> str:
    return "1 connection" if number == 1 else f"{number} connections"
