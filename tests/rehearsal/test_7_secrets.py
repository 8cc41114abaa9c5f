"""No secret was printed in all these runs, most of them with `--diff`, the first also verbose."""

from __future__ import annotations

from .harness import Rehearsal

SHORTEST = 20  # characters; a shorter line of a key file (its first and last) is no secret


def test_no_secret_was_printed(rehearsal: Rehearsal) -> None:
    """Not one line of one private key."""
    private = [path for path in rehearsal.secrets.rglob("*") if path.suffix in (".key", ".secret")]
    secrets = {
        line.split(":")[-1]
        for path in private
        for line in path.read_text().splitlines()
        if len(line) >= SHORTEST and not line.startswith("-----")
    }
    assert len(secrets) >= len(private) > 3
    printed = "\n".join(log.read_text() for log in sorted(rehearsal.records.glob("*.log")))
    assert [secret[:4] + "…" for secret in secrets if secret in printed] == []
