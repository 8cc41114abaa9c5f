# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Web pages, as a client's programs fetch them."""

from __future__ import annotations

import http.client
import re
import ssl
import urllib.error
import urllib.request

from .model import Options, Seen

_LIMIT = 65536  # bytes of a page that are read
_SHOWN = 60  # characters of a page that are shown


def fetch(url: str, authorities: str | None, timeout: float) -> tuple[int, str]:
    """Status and start of the body of ``url``.

    ``authorities``: certificates in PEM that are trusted besides the system's. Raises OSError when there is no answer.
    """
    context = ssl.create_default_context()
    if authorities:
        context.load_verify_locations(cadata=authorities)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(url, timeout=timeout) as response:
            return response.status, response.read(_LIMIT).decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, ""


def tells(body: str, text: str) -> bool:
    """Whether ``text`` stands in ``body`` by itself: 203.0.113.6 does not stand in 203.0.113.66."""
    return re.search(rf"(?<![\w.]){re.escape(text)}(?!\w|\.\w)", body) is not None


def http_page(options: Options) -> Seen:
    """Whether a page answers with its status and, when ``expected`` has text, tells each of it."""
    try:
        status, body = fetch(options["url"], options["ca_certificates"], options["timeout"])
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        return Seen(f"no page: {reason}", False)
    start = " ".join(body.split())
    text = f"{status}, {start[:_SHOWN]}" if options["expected"] or status != options["status"] else str(status)
    return Seen(text, status == options["status"] and all(tells(body, part) for part in options["expected"]))
