# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host has, in the terms of a request, and a request in the host's terms."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.model import Entry, Kind, Request
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.paths import (
    list_below,
    read_entry,
    usual_group,
    usual_user,
)
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.plan import ancestors


def read_current(request: Request) -> dict[str, Entry]:
    """Return what stands at the paths a plan must know: those wanted, those above, and those in purged folders."""
    paths: set[str] = set()
    for item in request.wanted:
        paths.add(item.path)
        paths.update(ancestors(item.path))
    for purge in request.purges:
        paths.update(list_below(purge.path, recursive=purge.recursive))
    entries = {path: read_entry(path) for path in sorted(paths)}
    return {path: entry for path, entry in entries.items() if entry.kind is not Kind.ABSENT}


def normalised(request: Request) -> Request:
    """Return the request with owners and groups as read_current names them, so that both can be compared."""
    wanted = []
    for item in request.wanted:
        entry = replace(item.entry, owner=usual_user(item.entry.owner), group=usual_group(item.entry.group))
        wanted.append(replace(item, entry=entry))
    return replace(request, wanted=tuple(wanted))
