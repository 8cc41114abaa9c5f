# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ranges of a body (RFC 9110, 14)."""

from __future__ import annotations

import re
from collections.abc import Mapping

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


class UnsatisfiableError(ValueError):
    """No byte of the body lies in the range."""


def parse_range(headers: Mapping[str, str], size: int) -> tuple[int, int] | None:
    """The first byte of a Range header's range and the one behind its last, within a body of ``size`` bytes.

    None when there is no such header, one that a server may ignore (malformed, of another unit, or of several ranges),
    or one on the condition of a validator (If-Range): what has ranges here has none, so none is the same (13.1.5).
    Raises UnsatisfiableError when the range is well-formed and empty.
    """
    text = headers.get("range", "")
    found = _RANGE.fullmatch(text)
    if found is None or "if-range" in headers or not (found[1] or found[2]):
        return None
    if not found[1]:
        first, last = max(0, size - int(found[2])), size
    else:
        first, last = int(found[1]), min(int(found[2]) + 1 if found[2] else size, size)
        if found[2] and int(found[2]) < first:
            return None
    if first >= last:
        raise UnsatisfiableError(text)
    return first, last
