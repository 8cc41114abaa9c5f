# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that bring rulesets back at boot, by Debian's nftables.service.

`/etc/nftables.conf` includes every ruleset of `/etc/nftables.d`; each of them replaces only its own tables. So
starting, restarting and reloading the service is one transaction that leaves the tables of others alone. The drop-in
takes away the service's stop command (`nft flush ruleset`), which would remove tables of others and open the site: at
shutdown the service stops while the network still forwards.
"""

from __future__ import annotations

from collections.abc import Iterable

from .ruleset import RulesetError, Table, transaction

SERVICE = "nftables.service"
MAIN_PATH = "/etc/nftables.conf"
KEPT_MAIN_PATH = f"{MAIN_PATH}.before-nixvegas"
RULESETS_PATH = "/etc/nftables.d"
DROP_IN_PATH = "/etc/systemd/system/nftables.service.d/nixvegas.conf"

MARK = "# Managed by Ansible (nixvegas.noc.nftables_ruleset)"
MAIN_TEXT = f"""#!/usr/sbin/nft -f
{MARK}. Each file replaces only the tables it names.
include "{RULESETS_PATH}/*.nft"
"""
DROP_IN_TEXT = f"""{MARK}.
# Stopping must neither remove tables of others nor open the network while it still forwards.
[Service]
ExecStop=
"""


def ruleset_path(name: str) -> str:
    """Where the ruleset of this name is kept for boot."""
    return f"{RULESETS_PATH}/{name}.nft"


def ruleset_file(name: str, tables: Iterable[Table], text: str) -> str:
    """The boot-time file of a ruleset."""
    return f"#!/usr/sbin/nft -f\n{MARK}, ruleset '{name}'. Changes by hand are undone.\n" + transaction(tables, text)


def former_tables(file_text: str | None) -> tuple[Table, ...]:
    """The tables that a boot-time file of ours named; none if there is no such file or it was not written by us."""
    if file_text is None or MARK not in file_text:
        return ()
    deletions = (line.split() for line in file_text.splitlines())
    named = [Table(words[2], words[3]) for words in deletions if words[:2] == ["delete", "table"] and len(words) == 4]  # noqa: PLR2004
    return tuple(dict.fromkeys(named))


def refuse_shared_tables(tables: Iterable[Table], others: dict[str, str]) -> None:
    """Raise RulesetError if another boot-time file (path to text) names one of these tables."""
    mine = set(tables)
    for path, text in sorted(others.items()):
        for table in former_tables(text):
            if table in mine:
                raise RulesetError(
                    f"table {table} already belongs to {path}; name another table,"
                    " or remove that ruleset with state: absent"
                )
