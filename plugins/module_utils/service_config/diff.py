# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes as a person reads them, in the form Ansible's callbacks print. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.model import Entry, Kind
from ansible_collections.nixvegas.noc.plugins.module_utils.service_config.plan import Change, is_private


def diff_of(changes: Iterable[Change], notes: Iterable[str]) -> list[dict[str, str]]:
    """Return Ansible's diff: one item a path, then the notes (services, repairs) as lines."""
    result = [_diff_of_change(change) for change in changes]
    lines = "".join(f"{note}\n" for note in notes)
    if lines:
        result.append({"prepared": lines})
    return result


def _diff_of_change(change: Change) -> dict[str, str]:
    before, after = change.before, change.after
    same_text = (before.kind, before.content, before.target) == (after.kind, after.content, after.target)
    if same_text:
        texts = (_ownership(before) + "\n", _ownership(after) + "\n")
    elif change.secret:
        texts = ("", f"(secret, {_secret_difference(before, after)})\n")
    else:
        # What replaces a private file need not be secret; what it held may be.
        texts = ("(private, not shown)\n" if is_private(before) else _text(before), _text(after))
    return {
        "before_header": f"{change.path} ({_ownership(before)})",
        "after_header": f"{change.path} ({_ownership(after)})",
        "before": texts[0],
        "after": texts[1],
    }


def _secret_difference(before: Entry, after: Entry) -> str:
    if before.kind is Kind.ABSENT:
        return "new"
    return "removed" if after.kind is Kind.ABSENT else "differs"


def _ownership(entry: Entry) -> str:
    if entry.kind in (Kind.ABSENT, Kind.LINK):
        return str(entry.kind.value)
    folder = "folder " if entry.kind is Kind.DIRECTORY else ""
    return f"{folder}{entry.owner}:{entry.group} {entry.mode:04o}"


def _text(entry: Entry) -> str:
    if entry.kind is Kind.LINK:
        return f"link to {entry.target}\n"
    if entry.kind is Kind.DIRECTORY:
        return "folder\n"
    if entry.kind is Kind.FILE and not entry.content:
        return "(empty)\n"
    try:
        text = entry.content.decode()
    except UnicodeDecodeError:
        text = "\0"
    return f"(binary, {len(entry.content)} bytes)\n" if "\0" in text else text
