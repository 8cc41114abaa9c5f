"""The proof from the clients' side."""

from __future__ import annotations

import re
from collections.abc import Callable

from .harness import EVENT, Rehearsal


def test_every_row_is_right(rehearsal: Rehearsal, say: Callable[[str], None]) -> None:
    """One table, with the disruptive rows too; and beside it nothing but what was interrupted."""
    run = rehearsal.command("verify", str(EVENT), check=False)
    table = run.output[run.output.find("    from ") :]
    assert run.exit_code == 0, table
    for row in (
        "lease: router",
        "own reverse name",
        "asked of 9.9.9.9",
        "saitama stopped",
        "clients' packets on eth0",
        "tunnel back",
    ):
        assert re.search(rf"^ok .*{re.escape(row)}", run.output, re.MULTILINE), f"{row} was not asked:\n{table}"
    for client in ("laptop", "laptop-build", "crew"):
        assert re.search(rf"^ok  {client} .*lease: address", table, re.MULTILINE)
    assert "not asked" not in table
    assert not re.search(r"^ok: |RETRYING|WARNING", run.output, re.MULTILINE), run.output
    say(f"verify.yml: {run.seconds:.0f} s, {table.strip().splitlines()[0]}")


def test_a_wrong_row_fails_the_run(rehearsal: Rehearsal) -> None:
    """A port that is open and should not be is named."""
    address = "ghostgate.arena"
    rehearsal.shell("ghostgate", "systemctl stop kresd@1.service")
    try:
        run = rehearsal.playbook("verify", "-e", "verify_failover=false", check=False)
    finally:
        rehearsal.shell("ghostgate", "systemctl start kresd@1.service")
    assert run.exit_code != 0
    assert re.search(rf"^NO .*{address}", run.output, re.MULTILINE), run.output[-6000:]


def test_check_mode(rehearsal: Rehearsal) -> None:
    """Asking in check mode disturbs nothing and still asks."""
    run = rehearsal.playbook("verify", "--check")
    assert "0 wrong" in run.output
    assert "not asked: a stopped cache server, a stopped tunnel: check mode interrupts nothing" in run.output
