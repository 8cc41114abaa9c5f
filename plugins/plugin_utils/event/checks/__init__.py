# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an event file must obey beyond its shape."""

from __future__ import annotations

from ..document import Document


def check(document: Document) -> None:
    """Note every mistake of `document`."""
