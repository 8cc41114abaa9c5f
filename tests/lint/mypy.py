"""Type-check our packages with mypy --strict, under the names they are imported by."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
COLLECTION = CHECKOUT / ".cache/collections/ansible_collections/nixvegas/noc"


def mypy(*arguments: str, path: Path) -> int:
    """One run of mypy with its import root at ``path``; its exit status."""
    command = [sys.executable, "-m", "mypy", "--config-file", str(CHECKOUT / "pyproject.toml"), *arguments]
    return subprocess.run(command, cwd=CHECKOUT, env=os.environ | {"MYPYPATH": str(path)}, check=False).returncode


def main() -> int:
    """Check the collection's plugins, the rehearsal, the tests' helpers and the NAR server."""
    return max(
        mypy(str(COLLECTION / "plugins"), str(COLLECTION / "rehearsal"), path=COLLECTION.parents[2]),
        mypy("roles/nar_server/files/nar_server", path=CHECKOUT / "roles/nar_server/files"),
        mypy("tests/run.py", "tests/reverse_proxy.py", "tests/badge_simulator", path=CHECKOUT),
    )


if __name__ == "__main__":
    raise SystemExit(main())
