# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of users and groups that a Debian host of an event has already."""

from __future__ import annotations

# Source: passwd.master and group.master of base-passwd, without root.
BASE_PASSWD = """
    adm audio backup bin cdrom crontab daemon dialout dip disk fax floppy games input irc kmem kvm list lp mail man news
    nobody nogroup operator plugdev proxy render sasl sgx shadow src staff sudo sync sys tape tty users utmp uucp video
    voice www-data
"""
# Made by the packages of the roles.
PACKAGES = """
    knot knot-resolver messagebus nar-server nixbld polkitd sshd systemd-journal systemd-network systemd-resolve
    systemd-timesync
"""
SYSTEM_USERS = frozenset((BASE_PASSWD + PACKAGES).split())
