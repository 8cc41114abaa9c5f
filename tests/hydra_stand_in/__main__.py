# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in to try the modules on: `python -m tests.hydra_stand_in [PORT]`. It forgets everything when it ends."""

from __future__ import annotations

import sys
import threading

from .server import running
from .state import Database, people


def main() -> None:
    """Serve until interrupted."""
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    with running(Database(people()), port=port) as stand_in:
        sys.stdout.write(f"A stand-in for Hydra answers at {stand_in.url}; sign in as alice, password foobar.\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
