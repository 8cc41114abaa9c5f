"""No secret was printed in all these runs, most of them with `--diff`, the first also verbose."""

from __future__ import annotations

from .harness import Rehearsal

SHORTEST = 20  # characters; a shorter line of a key file (its first and last) is no secret


def test_no_secret_was_printed(rehearsal: Rehearsal) -> None:
    """Not one line of one private key."""
    files = [path for path in rehearsal.secrets.rglob("*") if path.is_file()]
    private = [path for path in files if path.suffix in (".key", ".secret")]
    # The last lines of a private key hold its public half, which certificates show.
    public = "".join("".join(path.read_text().split()) for path in files if path not in private)
    lines = {line.split(":")[-1] for path in private for line in path.read_text().splitlines()}
    secrets = {line for line in lines if len(line) >= SHORTEST and not line.startswith("-----") and line not in public}
    assert len(secrets) >= len(private) > 3
    printed = "\n".join(log.read_text() for log in sorted(rehearsal.records.glob("*.log")))
    assert [secret[:4] + "…" for secret in secrets if secret in printed] == []
