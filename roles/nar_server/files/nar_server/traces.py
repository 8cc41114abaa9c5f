# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What derivations' outputs were built to: build traces (Nix from 2.35) and realisations (Nix up to 2.34).

Any allowed user may register one, so they are never signed here: they leave with the signatures they came with.
Formats: Nix's src/libstore/realisation.cc of these versions.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from .database import Database
from .keys import Signature
from .policy import well_formed
from .store_path import StorePath

# Nix makes these tables when content-addressed derivations are switched on.
_TABLE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
_BUILD_TRACE = "SELECT outputPath, signatures FROM BuildTraceV3 WHERE drvPath = ? AND outputName = ?"
_REALISATION = """
    SELECT p.path, r.signatures, d.drvPath, d.outputName, dp.path
    FROM (SELECT * FROM Realisations WHERE drvPath = ? AND outputName = ? LIMIT 1) AS r
    JOIN ValidPaths AS p ON p.id = r.outputPath
    LEFT JOIN RealisationsRefs AS f ON f.referrer = r.id
    LEFT JOIN Realisations AS d ON d.id = f.realisationReference
    LEFT JOIN ValidPaths AS dp ON dp.id = d.outputPath
"""


def _rows(database: Database, table: str, statement: str, arguments: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """The statement's rows; none when Nix has made no such table."""
    return database.select(statement, arguments) if database.select(_TABLE, (table,)) else []


def _output(path: str, store_dir: str) -> StorePath | None:
    try:
        return StorePath.parse_full(path, store_dir)
    except ValueError:
        return None


def _signatures(text: str | None) -> list[Signature]:
    return sorted(well_formed((text or "").split()), key=lambda signature: signature.text)


def build_trace(database: Database, store_dir: str, derivation: StorePath, output: str) -> tuple[StorePath, str] | None:
    """The path an output was built to, and the JSON that says so; None when it is not known.

    Raises DatabaseUnavailableError.
    """
    rows = _rows(database, "BuildTraceV3", _BUILD_TRACE, (str(derivation), output))
    if not rows or (path := _output(rows[0][0], store_dir)) is None:
        return None
    signatures = [
        {"keyName": signature.name, "sig": base64.b64encode(signature.data).decode()}
        for signature in _signatures(rows[0][1])
    ]
    return path, json.dumps({"outPath": str(path), "signatures": signatures})


def realisation(database: Database, store_dir: str, drv_hash: str, output: str) -> tuple[StorePath, str] | None:
    """As ``build_trace``, for ``sha256:DIGITS`` of a derivation, as Nix up to 2.34 asks."""
    rows = _rows(database, "Realisations", _REALISATION, (drv_hash, output))
    if not rows or (path := _output(rows[0][0], store_dir)) is None:
        return None
    depends = {f"{row[2]}!{row[3]}": other for row in rows if row[2] and (other := _output(row[4], store_dir))}
    text = {
        "dependentRealisations": {name: str(other) for name, other in sorted(depends.items())},
        "id": f"{drv_hash}!{output}",
        "outPath": str(path),
        "signatures": [signature.text for signature in _signatures(rows[0][1])],
    }
    return path, json.dumps(text)
