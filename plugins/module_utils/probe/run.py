# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run probes side by side."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from . import capture, clock, links, names, nix, reach, web
from .model import NotAskedError, Options, Probe, Seen

KINDS: Mapping[str, Probe] = {
    "address": links.address,
    "capture": capture.capture,
    "http": web.http_page,
    "lease": links.lease,
    "ntp": clock.ntp,
    "own_name": names.own_name,
    "reach": reach.reach,
    "resolve": names.resolve,
    "watch": capture.watch,
}
WORKERS = 16


PAUSE = 1.0  # seconds before a question that waits for its answer is asked again


def ask_once(check_mode: bool, options: Options) -> Seen:
    """Run one probe; whatever goes wrong in it is what it saw."""
    try:
        if options["kind"] == "nix_realise":
            return nix.nix_realise(options, check_mode)
        return KINDS[options["kind"]](options)
    except NotAskedError as error:
        return Seen(str(error), False)
    except Exception as error:  # one broken probe must not take the others' results with it
        return Seen(f"{type(error).__name__}: {error}", False)


def ask(check_mode: bool, options: Options) -> dict[str, Any]:
    """Run one probe until it sees what is expected, for at most its ``wait`` seconds, but at least once."""
    deadline = time.monotonic() + options["wait"]
    while not (seen := ask_once(check_mode, options)).ok and time.monotonic() < deadline:
        time.sleep(PAUSE)
    return {
        "what": options["what"],
        "group": options["group"] or options["what"],
        "expected": options["expect"] or ", ".join(options["expected"]) or "none",
        "seen": seen.text,
        "ok": seen.ok,
    }


def ask_all(probes: Sequence[Options], check_mode: bool) -> list[dict[str, Any]]:
    """Run all probes, up to C(WORKERS) at a time; results in the probes' order."""
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(partial(ask, check_mode), probes))
