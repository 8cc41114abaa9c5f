# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of playbooks/badges.yml: the cache that badges relay. For the whole inventory: the table's machine may be
any of it, or none."""

from __future__ import annotations

from typing import Any

from ..model import Event
from ..secret_paths import SecretPaths


def variables(event: Event, secrets: SecretPaths) -> dict[str, Any]:
    """The first published name and the certificate of the authority behind it; nothing where no cache is published."""
    if not event.publish:
        return {}
    return {
        "badges_cache_upstream": next(iter(event.publish)),
        "badges_cache_certificate_file": secrets.tls_ca_certificate,
    }
