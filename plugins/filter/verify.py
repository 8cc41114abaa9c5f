# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters of C(playbooks/verify.yml): from an event's promises to the questions of M(nixvegas.noc.probe), and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.nixvegas.noc.plugins.plugin_utils.verify import answers, client, host, missing, tunnel

Filter = Callable[..., Any]

PARTS: Mapping[str, Filter] = {
    "client": client.client_probes,
    "failover": client.failover_probes,
    "recovery": client.recovery_probes,
    "host": host.host_probes,
    "tries": tunnel.tries,
    "watch": tunnel.watch_probes,
    "capture": tunnel.capture_probes,
}


def probes(promises: Mapping[str, Any], part: str, **options: Any) -> list[client.Probe]:
    """The questions of one part of the proof."""
    if part not in PARTS:
        raise client.VerifyError(f"{part!r} is not a part of the proof: {', '.join(PARTS)}")
    found: list[client.Probe] = PARTS[part](promises, **options)
    return found


def told(function: Filter) -> Filter:
    """Tell mistakes in the variables as Ansible tells mistakes."""

    @wraps(function)
    def filtered(*arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except client.VerifyError as error:
            raise AnsibleFilterError(str(error)) from error
        except KeyError as error:
            raise AnsibleFilterError(
                f"{error.args[0]} is not set: have a host in the group 'clients' of a compiled inventory"
            ) from error

    return filtered


class FilterModule:
    """Offers the filters to Ansible."""

    def filters(self) -> dict[str, Filter]:
        """The filters by name."""
        functions: dict[str, Filter] = {
            "verify_answers": answers.answers,
            "verify_first_servers": client.first_servers,
            "verify_missing": missing.missing,
            "verify_probes": probes,
        }
        return {name: told(function) for name, function in functions.items()}
