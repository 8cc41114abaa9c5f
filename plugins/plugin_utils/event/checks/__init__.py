# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an event file must obey beyond its shape. One module a subject; each notes mistakes and changes nothing.

A check is silent about cells that have no value: those were reported when they were read. It looks at everything it
can still judge, so that one run shows all mistakes, each once.
"""

from __future__ import annotations

from ..document import Document
from . import addresses, hosts, hydra, interfaces, outside, references, routing, services

SUBJECTS = (references, addresses, outside, interfaces, hosts, routing, services, hydra)


def check(document: Document) -> None:
    """Note every mistake of `document`."""
    for subject in SUBJECTS:
        subject.check(document)
