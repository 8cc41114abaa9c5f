# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The texts a client reads before it asks for a NAR."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable

from .path_info import PathInfo


def render_cache_info(store_dir: str, priority: int) -> str:
    """``nix-cache-info``: clients ask the cache with the lowest priority number first, and may ask for many at once."""
    return f"StoreDir: {store_dir}\nWantMassQuery: 1\nPriority: {priority}\n"


def render_narinfo(info: PathInfo, store_dir: str, signatures: Iterable[str]) -> str:
    """A narinfo, its lines in Nix's order. NARs are sent as they are, so the file's hash and size are the NAR's."""
    nar_hash = info.nar_hash_base32
    lines = [
        f"StorePath: {store_dir}/{info.path}",
        f"URL: nar/{nar_hash}.nar?hash={info.path.hash_part}",
        "Compression: none",
        f"FileHash: sha256:{nar_hash}",
        f"FileSize: {info.nar_size}",
        f"NarHash: sha256:{nar_hash}",
        f"NarSize: {info.nar_size}",
        f"References: {' '.join(str(reference) for reference in info.references)}",
    ]
    if info.deriver is not None:
        lines.append(f"Deriver: {info.deriver}")
    lines += [f"Sig: {signature}" for signature in signatures]
    if info.content_address is not None:
        lines.append(f"CA: {info.content_address}")
    return "".join(f"{line}\n" for line in lines)


def render_json(info: PathInfo, store_dir: str, signatures: Iterable[str]) -> str:
    """A narinfo as JSON, with the names and spellings of ``nix path-info --json`` (Nix 2.19 to 2.31)."""
    nar_hash = f"sha256-{base64.b64encode(info.nar_hash).decode()}"
    fields = {
        "path": f"{store_dir}/{info.path}",
        "url": f"nar/{info.nar_hash_base32}.nar?hash={info.path.hash_part}",
        "compression": "none",
        "downloadHash": nar_hash,
        "downloadSize": info.nar_size,
        "narHash": nar_hash,
        "narSize": info.nar_size,
        "references": [f"{store_dir}/{reference}" for reference in info.references],
        "deriver": f"{store_dir}/{info.deriver}" if info.deriver else None,
        "signatures": list(signatures),
        "ca": info.content_address,
    }
    return json.dumps(fields)
