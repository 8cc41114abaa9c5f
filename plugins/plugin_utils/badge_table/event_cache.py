# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cache of the event's inventory, for badges whose settings do not say which one they relay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

UPSTREAM, CERTIFICATE = "cache_upstream", "cache_certificate"


@dataclass(frozen=True)
class EventCache:
    """The cache's host name, empty where there is none, and the PEM text of the authority behind it, read only when it
    is needed: with other caches it need not exist."""

    upstream: str
    certificate: Callable[[], str]

    def under(self, settings: Mapping[str, object]) -> dict[str, object]:
        """Settings with what they leave to the event. Another cache has another authority; a certificate that is there
        but empty is wanted so, for plain HTTP."""
        laid = dict(settings)
        if not self.upstream:
            return laid
        if laid.get(UPSTREAM) in (None, ""):
            laid[UPSTREAM] = self.upstream
        if laid[UPSTREAM] == self.upstream and laid.get(CERTIFICATE) is None:
            laid[CERTIFICATE] = self.certificate()
        return laid
