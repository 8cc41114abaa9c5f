# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel holds, in a form that can be compared.

Contract of the normal form of a table: a function of what `nft -j list` prints about it, without handles, counter,
quota and last-use values, expiry times, and the elements of sets that packets fill (flags dynamic or timeout). Members
of sets and maps are sorted, since the kernel lists hashes in any order; objects are sorted; rules keep their order.
"""

from __future__ import annotations

import json
import re
from typing import Any

from .ruleset import Table

NormalTable = dict[str, Any]

_VOLATILE = {"handle", "index", "expires"}
_STATE = {"counter": {"packets", "bytes"}, "quota": {"used", "used_unit"}, "last": {"used"}}
_FILLED_BY_PACKETS = {"dynamic", "timeout"}
_SEPARATOR = re.compile(r",\s+")
_ELEMENTS = re.compile(r"\{ ([^{};]*[^{};\s]) \}")


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _normal(value: Any) -> Any:
    if isinstance(value, list):
        return [_normal(item) for item in value]
    if not isinstance(value, dict):
        return value
    result = {}
    for key, item in value.items():
        if key in _VOLATILE:
            continue
        kept = item
        if key in _STATE and isinstance(item, dict):
            kept = {name: part for name, part in item.items() if name not in _STATE[key]}
        normal = _normal(kept)
        if key in ("set", "elem") and isinstance(normal, list):
            normal = sorted(normal, key=_key)
        result[key] = normal
    return result


def tables_in(listing: str) -> set[Table]:
    """The tables that a JSON listing (`nft -j list tables` or `list ruleset`) names."""
    objects = json.loads(listing)["nftables"]
    return {Table(item["table"]["family"], item["table"]["name"]) for item in objects if "table" in item}


def normalise(listing: str) -> dict[Table, NormalTable]:
    """The tables of a JSON listing in normal form (see the module's docstring)."""
    result: dict[Table, NormalTable] = {}
    for item in json.loads(listing)["nftables"]:
        kind, body = next(iter(item.items()))
        if kind == "metainfo":
            continue
        name = body["name"] if kind == "table" else body["table"]
        table = result.setdefault(Table(body["family"], name), {"objects": [], "rules": {}})
        if kind == "rule":
            table["rules"].setdefault(body["chain"], []).append(_normal(body))
            continue
        if kind in ("set", "map") and _FILLED_BY_PACKETS.intersection(_as_list(body.get("flags", []))):
            body = {key: part for key, part in body.items() if key != "elem"}
        table["objects"].append(_normal({kind: body}))
    for table in result.values():
        table["objects"].sort(key=_key)
    return result


def readable(listing: str) -> str:
    """A text listing with the members of sets sorted, so that two listings of the same rules do not differ."""

    def in_order(match: re.Match[str]) -> str:
        separators: list[str] = _SEPARATOR.findall(match.group(1)) or [""]
        return "{ " + separators[0].join(sorted(_SEPARATOR.split(match.group(1)))) + " }"

    return _ELEMENTS.sub(in_order, listing)


def texts(listing: str) -> dict[Table, str]:
    """A text listing (`nft list ruleset`) cut into its tables, each readable."""
    result = {}
    for block in re.findall(r"^table [^\n]*\{.*?^\}$", listing, re.MULTILINE | re.DOTALL):
        _keyword, family, name = block.split(maxsplit=3)[:3]
        result[Table(family, name)] = readable(block) + "\n"
    return result
