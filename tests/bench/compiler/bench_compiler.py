"""How long the event compiler takes: 1,000 hosts on 50 networks in under 2 s, and time growing linearly with hosts.

    python tests/bench/compiler/bench_compiler.py

Prints the best of several runs for each size, in process (from the text of the file to the inventory's variables), and
for the largest size the whole of `ansible-inventory --list` too. Exits with 1 when the goal is missed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path, PurePosixPath

CHECKOUT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(CHECKOUT / ".cache/collections"))

from ansible_collections.nixvegas.noc.plugins.plugin_utils.event import compile_text  # noqa: E402

SIZES = (125, 250, 500, 1000)
NETWORKS = 50
RUNS = 5
MOST_SECONDS = 2.0
MOST_GROWTH = 1.3  # time per host of the largest size, relative to that of the smallest

HEAD = """\
plugin: nixvegas.noc.event
name: large
domain: large.example.org
timezone: Etc/UTC
resolvers: [9.9.9.9]
time_servers: [time.example.org]
admins: {alice: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBFjhLH80pY1QJR1btcXhRE6SzKHxHHIAcxz91xolgIk]}
manage: [net0, overlay]
overlay: {cidr: 10.128.0.0/16}
uplinks: {venue: {metric: 100}}
"""


def event_of(hosts: int) -> str:
    """An event of so many hosts, each on two of the networks, a tenth of them caches, with access rules of every
    kind."""
    lines = [HEAD, "networks:"]
    for index in range(NETWORKS):
        pool = f"10.{index}.128.0-10.{index}.255.254"
        lines.append(f"  net{index}: {{cidr: 10.{index}.0.0/16, vlan: {index + 2}, pool: {pool}, exit: out}}")
    lines.append("access:")
    for index in range(NETWORKS):
        lines.append(f"  net{index}: [net{(index + 1) % NETWORKS}, {'overlay, ' if index % 10 == 0 else ''}internet]")
    lines += [
        "hosts:",
        "  gate:",
        "    class: router",
        "    overlay: {address: 10.128.255.1, lighthouse: true, relay: true}",
    ]
    lines += ["    interfaces:", "      eth0: {uplink: venue}", "      trunk: {}"]
    lines += [f"      trunk.{index + 2}: {{parent: trunk, network: net{index}}}" for index in range(NETWORKS)]
    lines += ["  out:", "    class: egress", "    overlay: {address: 10.128.255.2, lighthouse: true}"]
    lines += ["    interfaces:", "      eth0: {uplink: venue, address: 198.51.100.1}"]
    caches = []
    for index in range(hosts - 2):
        is_cache = index % 10 == 0
        lines += [f"  host{index}:", f"    class: {'cache' if is_cache else 'builder'}"]
        lines += [f"    overlay: {{address: 10.128.{index // 250}.{index % 250 + 1}}}", "    interfaces:"]
        for port in (0, 1):
            network = (index + port) % NETWORKS
            mac = f"02:00:00:{port:02x}:{index // 256:02x}:{index % 256:02x}"
            address = f"10.{network}.{port + 1}.{index // NETWORKS + 1}"
            lines.append(f'      eth{port}: {{network: net{network}, address: {address}, mac: "{mac}"}}')
        if is_cache:
            caches.append(f"  cache{index}: {{host: host{index}, priority: {index + 10}, key: cache{index}-1}}")
    lines += ["caches:", *caches, "publish:", "  cache.example.org: {caches: [cache0, cache10], to: [net0]}"]
    return "\n".join(lines) + "\n"


def seconds_to_compile(text: str) -> float:
    """The best of several runs, in seconds of CPU: the compiler neither waits nor uses a second core."""
    best = float("inf")
    for _ in range(RUNS):
        start = time.process_time()
        compile_text(text, "event.yml", PurePosixPath("SECRETS"))
        best = min(best, time.process_time() - start)
    return best


def seconds_of_ansible(text: str) -> float:
    """One run of ansible-inventory --list."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "event.yml"
        file.write_text(text, encoding="utf-8")
        command = [str(Path(sys.executable).parent / "ansible-inventory"), "-i", str(file), "--list"]
        start = time.perf_counter()
        subprocess.run(command, cwd=CHECKOUT, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start


def main() -> int:
    """Print the table and whether the goal is reached."""
    print(f"{'hosts':>6} {'seconds':>8} {'ms a host':>10}")
    per_host = []
    for size in SIZES:
        text = event_of(size)
        seconds = seconds_to_compile(text)
        per_host.append(seconds / size)
        print(f"{size:>6} {seconds:>8.3f} {1000 * seconds / size:>10.3f}")
    growth = per_host[-1] / per_host[0]
    print(f"time per host, {SIZES[-1]} to {SIZES[0]} hosts: {growth:.2f} (goal: at most {MOST_GROWTH})")
    whole = seconds_of_ansible(text)
    print(f"ansible-inventory --list of {SIZES[-1]} hosts: {whole:.1f} s, nearly all of it Ansible's own")
    return 0 if seconds < MOST_SECONDS and growth < MOST_GROWTH else 1


if __name__ == "__main__":
    raise SystemExit(main())
