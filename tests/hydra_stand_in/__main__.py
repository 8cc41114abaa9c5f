# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in to try the modules on: `python -m tests.hydra_stand_in [PORT]`. It forgets everything when it ends.

It begins with the project and the jobset of the guide, docs/hydra.md.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

from .application import answer
from .replay import HOST, sent
from .server import running
from .state import Database, people

PROJECT = {"displayname": "Nixpkgs", "enabled": 1, "visible": 1}
JOBSET: dict[str, Any] = {
    "nixexprpath": "nixos/release-small.nix",
    "nixexprinput": "nixpkgs",
    "enabled": 1,
    "visible": 1,
    "checkinterval": 3600,
    "inputs": {"nixpkgs": {"type": "git", "value": "https://github.com/NixOS/nixpkgs nixos-25.05"}},
}


def example() -> Database:
    """The Hydra of the guide."""
    database = Database(people())
    headers = {"cookie": f"hydra_session={database.session_of('alice')}", "host": HOST}
    for target, body in (("/project/nixpkgs", PROJECT), ("/jobset/nixpkgs/release-25.05", JOBSET)):
        answer(database, sent("PUT", target, body, headers))
    return database


def main() -> None:
    """Serve until interrupted."""
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    with running(example(), port=port) as stand_in:
        sys.stdout.write(f"A stand-in for Hydra answers at {stand_in.url}; sign in as alice, password foobar.\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
