# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scalars of an event file: from the text that is written to a typed value. One module a subject.

Every reader takes the text of one YAML scalar and returns the value, or raises `WrongValueError` saying what is wrong
and what would be right.
"""

from __future__ import annotations

from .addresses import Pool, address, cidr, mac, outside_address, pool, special_network
from .errors import WrongValueError
from .keys import nix_key, ssh_key
from .names import domain, interface, label, secrets_folder, server, site_domain, url, user, zone
from .plain import boolean, text, timezone, whole

__all__ = [
    "Pool",
    "WrongValueError",
    "address",
    "boolean",
    "cidr",
    "domain",
    "interface",
    "label",
    "mac",
    "nix_key",
    "outside_address",
    "pool",
    "secrets_folder",
    "server",
    "site_domain",
    "special_network",
    "ssh_key",
    "text",
    "timezone",
    "url",
    "user",
    "whole",
    "zone",
]
