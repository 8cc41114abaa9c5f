"""``ansible-test sanity``, the checks of Ansible's own collections, on the installed collection."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .conftest import CHECKOUT, run

# ansible-test wants a pip for each of its virtual environments and would download a script that installs one;
# Python's own ensurepip does that without a download.
GET_PIP = "import ensurepip\nensurepip.bootstrap()\n"


def test_sanity(installed: Path) -> None:
    """All sanity tests that run for this Python pass."""
    home = CHECKOUT / ".cache/sanity"
    cache = home / ".ansible/test/cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in ("20_3_4", "21_3_1", "24_2", "25_0"):
        (cache / f"get_pip_{version}.py").write_text(GET_PIP)
    run(["git", "init", "--quiet", "."], installed)
    run(["git", "add", "--all"], installed)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    run(
        ["ansible-test", "sanity", "--color", "no", "--truncate", "0", "--python", python],
        installed,
        HOME=str(home),
        LC_ALL=os.environ.get("LC_ALL", "C.UTF-8"),
    )
