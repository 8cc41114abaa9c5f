# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuse a configuration of sshd that locks out the user who is logged in to change it."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path


def connected_user() -> str | None:
    """Return who came by SSH, if anybody did: sudo keeps the name, root's own session the connection."""
    if "SUDO_USER" in os.environ:
        return os.environ["SUDO_USER"]
    return os.environ.get("USER", "root") if "SSH_CONNECTION" in os.environ else None


def effective_settings(user: str) -> dict[str, str]:
    """Return sshd's settings for a user."""
    command = ["/usr/sbin/sshd", "-T", "-C", f"user={user},host=localhost,addr=127.0.0.1"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return dict(line.split(" ", 1) for line in text.splitlines() if " " in line)


def has_key(user: str, patterns: str) -> bool:
    """Tell whether a file of authorized keys for the user exists and is not empty."""
    home = pwd.getpwnam(user).pw_dir
    for pattern in patterns.split():
        path = Path(home, pattern.replace("%u", user).replace("%h", home).replace("%%", "%"))
        if path.is_file() and path.stat().st_size:
            return True
    return False


def main() -> str | None:
    """Return the reason to refuse, if there is one."""
    user = connected_user()
    if user is None:
        return None
    settings = effective_settings(user)
    if user == "root" and settings["permitrootlogin"] == "no":
        return "you are logged in as root, who could not log in again: run it again as one of base_admins, with sudo"
    if settings["passwordauthentication"] == "no" and not has_key(user, settings["authorizedkeysfile"]):
        return f"{user} could not log in again, having no key on this host: add {user} to base_admins"
    return None


if __name__ == "__main__":
    sys.exit(main())
