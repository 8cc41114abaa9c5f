# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event compiler: from the text of an event file to the inventory it stands for. Pure: nothing of Ansible, no file
is read."""

from __future__ import annotations

from pathlib import PurePath

from .build import build_event
from .checks import check
from .compile import Inventory, compile_event
from .mistakes import EventError
from .model import Event
from .reader import read_document
from .schema import EVENT
from .secret_paths import SecretPaths

__all__ = ["Event", "EventError", "Inventory", "SecretPaths", "compile_event", "compile_text", "parse_event"]


def parse_event(text: str, file: str) -> Event:
    """The event that `text` describes; `file` is its name in errors. Raises EventError naming all mistakes."""
    document = read_document(text, EVENT)
    check(document)
    if document.mistakes.found:
        raise EventError(file, document.mistakes.found)
    return build_event(document.root)


def compile_text(text: str, file: str, secrets_dir: PurePath) -> Inventory:
    """The inventory of an event file; `secrets_dir` is where the controller keeps the secrets. Raises EventError."""
    return compile_event(parse_event(text, file), SecretPaths(secrets_dir))
