# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rendered files on their way from the controller to the host: one text value, compressed."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from typing import Any

from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.model import Entry, Kind, Purge, Wanted


def encode_payload(wanted: Sequence[Wanted], purges: Sequence[Purge]) -> str:
    """Pack rendered files and purges into base64 text."""
    document = {
        "wanted": [wanted_to_json(item) for item in wanted],
        "purges": [{"path": p.path, "patterns": p.patterns, "recursive": p.recursive} for p in purges],
    }
    return base64.b64encode(zlib.compress(json.dumps(document).encode())).decode()


def decode_payload(payload: str) -> tuple[list[Wanted], list[Purge]]:
    """Unpack what encode_payload made."""
    document = json.loads(zlib.decompress(base64.b64decode(payload)))
    purges = [Purge(p["path"], tuple(p["patterns"]), p["recursive"]) for p in document["purges"]]
    return [wanted_from_json(item) for item in document["wanted"]], purges


def wanted_to_json(item: Wanted) -> dict[str, Any]:
    """Return a path and its state as JSON-ready values."""
    entry = item.entry
    document: dict[str, Any] = {"path": item.path, "kind": entry.kind.value, "secret": item.secret}
    if entry.kind is Kind.LINK:
        document["target"] = entry.target
    if entry.kind in (Kind.FILE, Kind.DIRECTORY):
        document |= {"owner": entry.owner, "group": entry.group, "mode": entry.mode}
    if entry.kind is Kind.FILE:
        try:
            document["text"] = entry.content.decode()
        except UnicodeDecodeError:
            document["base64"] = base64.b64encode(entry.content).decode()
    return document


def wanted_from_json(document: dict[str, Any]) -> Wanted:
    """Return what wanted_to_json was given."""
    content = base64.b64decode(document["base64"]) if "base64" in document else document.get("text", "").encode()
    entry = Entry(
        kind=Kind(document["kind"]),
        content=content,
        target=document.get("target", ""),
        owner=document.get("owner", ""),
        group=document.get("group", ""),
        mode=document.get("mode", 0),
    )
    return Wanted(document["path"], entry, document["secret"])
