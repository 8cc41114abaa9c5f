# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a client wants a body coded (RFC 9110, 12.5.3)."""

from __future__ import annotations

import functools
import re

_ELEMENT = re.compile(r"([!#$%&'*+\-.^_`|~0-9a-z]+)(?:[ \t]*;[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?")


@functools.lru_cache(maxsize=64)
def accepts(header: str, coding: str) -> bool:
    """Whether an Accept-Encoding header takes ``coding``, and likes it no less than the plain body.

    A list with an element that is malformed says nothing that can be relied on: the plain body is always understood.
    """
    weights: dict[str, float] = {}
    for element in header.lower().split(","):
        if text := element.strip(" \t"):
            found = _ELEMENT.fullmatch(text)
            if found is None:
                return False
            weights.setdefault(found[1], float(found[2] or 1))
    weight = weights.get(coding, weights.get("*", 0))
    return weight > 0 and weight >= weights.get("identity", 0)
