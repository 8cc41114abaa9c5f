# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a client's tools."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence

from .model import NotAskedError

PACKAGES = {
    "kdig": "knot-dnsutils",
    "networkctl": "systemd",
    "nix-store": "nix-bin",
    "ip": "iproute2",
    "tcpdump": "tcpdump",
}


def run(
    command: Sequence[str], timeout: float, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``command`` for at most ``timeout`` seconds; its exit status is the caller's to judge.

    Raises NotAskedError when the program is missing or does not end in time.
    """
    try:
        return subprocess.run(
            command, check=False, capture_output=True, text=True, errors="replace", timeout=timeout, env=environment
        )
    except FileNotFoundError as error:
        package = PACKAGES.get(command[0])
        advice = f": install {package}" if package else ""
        raise NotAskedError(f"{command[0]} is not on this client{advice}") from error
    except subprocess.TimeoutExpired as error:
        raise NotAskedError(f"{command[0]} did not end within {timeout:g} s") from error
