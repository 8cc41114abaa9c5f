# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of role secrets, which makes on the controller what is missing of the secrets. For the whole inventory,
not one host."""

from __future__ import annotations

from typing import Any

from ..model import Event
from ..secret_paths import SecretPaths
from .dns import UPDATE_KEY

CA_DAYS = 3650


def variables(event: Event, secrets: SecretPaths) -> dict[str, Any]:
    """See roles/secrets/meta/argument_specs.yml for each."""
    return {
        "secrets_dir": str(secrets.folder),
        "secrets_nebula_ca": {"name": f"{event.name} overlay", "days": CA_DAYS},
        "secrets_certificates": [{"name": name} for name in event.publish],
        "secrets_tsig_keys": [UPDATE_KEY],
        "secrets_nix_keys": [{"file": cache.name, "name": cache.key} for cache in event.own_caches],
    }
