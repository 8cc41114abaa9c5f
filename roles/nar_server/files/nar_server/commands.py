# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands beside serving: ``audit`` looks at the store, ``stats`` at the server; ``warm`` fills the hot tier."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from .config import Config, ViewConfig
from .options import Address, ConfigError

_SECONDS = 5
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def audit(config: Config, names: Sequence[str], *, as_json: bool) -> int:
    """Print what vouches for the paths of these views, or of all; the exit status: 1 when a path is withheld."""
    # check-config works without the packages that these need.
    from . import audit as report  # noqa: PLC0415
    from .database import DatabaseUnavailableError  # noqa: PLC0415
    from .views import Views  # noqa: PLC0415

    _known(config, names)
    wanted = [view.name for view in config.views if not names or view.name in names]
    withheld = False

    def entries() -> report.Entries:
        nonlocal withheld
        for view in Views.of(config):
            if view.name in wanted:
                for entry in report.audit(view):
                    withheld = withheld or entry.status in report.UNVOUCHED
                    yield entry

    try:
        for line in report.render_json(entries()) if as_json else report.render_text(entries(), wanted):
            print(line)
    except DatabaseUnavailableError as problem:
        print(problem, file=sys.stderr)
        return 2
    return 1 if withheld else 0


def stats(config: Config, names: Sequence[str], *, as_json: bool) -> int:
    """Print the counters of the running server's views; the exit status."""
    # The server, which starts with this module too, does without them.
    import urllib.error  # noqa: PLC0415
    import urllib.request  # noqa: PLC0415

    _known(config, names)
    # The server is on this machine, whatever http_proxy says.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    found = {}
    for view in config.views:
        if not names or view.name in names:
            url = stats_url(config.listen[0], view)
            request = urllib.request.Request(url, headers={"Host": view.hosts[0]} if view.hosts else {})
            try:
                with opener.open(request, timeout=_SECONDS) as answer:
                    found[view.name] = json.load(answer)
            except urllib.error.HTTPError as problem:
                reason = problem.read(200).decode(errors="replace").strip()
                print(f"{url}: the server answers {problem.code}: {reason}", file=sys.stderr)
                return 1
            except (OSError, ValueError) as problem:
                # URLError shows what it wraps as Python would.
                inner = problem.reason if isinstance(problem, urllib.error.URLError) else problem
                told = (inner.strerror if isinstance(inner, OSError) else None) or inner
                print(f"{url}: {told}. Is the server running?", file=sys.stderr)
                return 1
    if as_json:
        print(json.dumps({name: answer["counters"] for name, answer in found.items()}))
        return 0
    for name, answer in found.items():
        print(f"{name}: " + ", ".join(f"{counter} {text}" for counter, text in answer["texts"].items()))
    return 0


def warm(config: Config, names: Sequence[str], texts: Sequence[str], *, closure: bool) -> int:
    """Fill the hot tier with these paths; the exit status: 1 when one does not get there, 2 when none could."""
    from . import warm as filling  # noqa: PLC0415
    from .database import DatabaseUnavailableError  # noqa: PLC0415

    _known(config, names)
    try:
        return filling.warm(config, names, texts, closure=closure)
    except DatabaseUnavailableError as problem:
        print(problem, file=sys.stderr)
        return 2


def stats_url(address: Address, view: ViewConfig) -> str:
    """Where a running server tells a view's counters to this machine."""
    return f"http://{Address(_ANY.get(address.host, address.host), address.port)}{view.prefix}/stats.json"


def _known(config: Config, names: Sequence[str]) -> None:
    there = [view.name for view in config.views]
    for name in names:
        if name not in there:
            raise ConfigError(f"there is no view {name}; there are: {', '.join(there)}")
